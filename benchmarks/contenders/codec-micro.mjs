// @ts-check
/** Encoding and decoding the object of the object cases, without any transport; the operation names the codec. */
import v8 from 'node:v8';

import { Packr } from 'msgpackr';

import { microContender } from '../harness/micro.mjs';
import { makeItem } from '../harness/payload.mjs';

/** @param {(item: any) => any} roundtrip */
function through(roundtrip) {
  return () => ({
    /** @param {number} count */
    run(count) {
      for (let i = 0; i < count; i++) {
        const item = roundtrip(makeItem(i));
        if (item.id !== i || item.nested.x !== (i ^ 0x5555)) throw new Error(`Cannot accept sample: item ${i} changed`);
      }
    },
  });
}

/** @type {Record<string, () => import('../harness/micro.mjs').Operation>} */
const operations = {
  // The price of making the objects, which all others include.
  none: through((item) => item),
  json: through((item) => JSON.parse(JSON.stringify(item))),
  v8: through((item) => v8.deserialize(v8.serialize(item))),
  structuredClone: through((item) => structuredClone(item)),
  msgpackr() {
    const packr = new Packr({ useRecords: false });
    return through((item) => packr.unpack(packr.pack(item)))();
  },
  'msgpackr-records'() {
    const packr = new Packr({ structures: [] });
    return through((item) => packr.unpack(packr.pack(item)))();
  },
};

if (JSON.parse(process.argv[2] ?? '').operation === 'multiproc') {
  const { Encoder, Decoder } = await import('../../dist/internal/codec/codec.js');
  operations['multiproc'] = () => {
    const encoder = new Encoder();
    const decoder = new Decoder();
    return through((item) => {
      const length = encoder.encode(item);
      return decoder.decode(encoder.scratch, 0, length, false);
    })();
  };
}

microContender(operations);

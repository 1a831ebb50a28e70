// @ts-check
/** Throughput of a small object: 123 bytes as JSON, 93 in msgpack, some 110 on average. */
import { codec, streams } from '../harness/catalog.mjs';
import { CAPACITY } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */

const object = { kind: 'object', size: 110, capacity: CAPACITY, producers: 1, consumers: 1 };
const contenders = [
  streams.sync,
  streams.async,
  streams.sendJson,
  streams.sendAdvanced,
  streams.threads,
  streams.socket,
  streams.zeromq,
  streams.pythonQueue,
  streams.denque,
];

/** @type {Pick<Case, 'metric' | 'unit' | 'better'>} */
const rate = { metric: 'rate', unit: 'messages/s', better: 'higher' };

/** @type {Case} */
const batches = {
  ...rate,
  name: 'object-batch',
  question: 'How many small objects a second pass from one process to another, 100 to a call?',
  parameters: { ...object, batch: 100 },
  contenders: contenders.filter((one) => one !== streams.denque),
  targets: [{ text: '8 × process.send json', of: 'multiproc', against: ['send-json'], bound: 'atLeast', value: 8 }],
};

/** @type {Case} */
const singles = {
  ...rate,
  name: 'object-single',
  question: 'How many small objects a second pass from one process to another, one call each?',
  parameters: { ...object, batch: 1 },
  contenders,
  targets: [
    { text: 'sync: 5 × process.send json', of: 'multiproc', against: ['send-json'], bound: 'atLeast', value: 5 },
    { text: 'async: 3 × process.send json', of: 'multiproc-async', against: ['send-json'], bound: 'atLeast', value: 3 },
  ],
};

/** @type {Case} */
const codecs = {
  name: 'codec',
  question: 'How long does one small object take to be made, encoded and decoded, without any transport?',
  metric: 'perOperation',
  unit: 'ns',
  better: 'lower',
  parameters: {},
  contenders: [
    codec('none', 'made only'),
    codec('multiproc', 'multiproc', { library: true }),
    codec('msgpackr', 'msgpackr, maps'),
    codec('msgpackr-records', 'msgpackr, shared records'),
    codec('json', 'JSON'),
    codec('v8', 'v8.serialize'),
    codec('structuredClone', 'structuredClone'),
  ],
  targets: [],
};

export const objectCases = [batches, singles, codecs];

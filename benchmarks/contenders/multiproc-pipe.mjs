// @ts-check
/** One Pipe of this library, both ways; `style` is sync or async. */
import { Pipe, attach } from '../harness/multiproc.mjs';
import { roundtripContender } from '../harness/roundtrip.mjs';

/** @typedef {import('../harness/multiproc.mjs').Connection<Buffer>} End */

await roundtripContender(import.meta, {
  unit: 'process',

  open({ capacity }) {
    const [here, there] = Pipe({ capacity });
    return {
      ticket: [here.handle, there.handle],
      close() {
        here.close();
        there.close();
      },
    };
  },

  ask({ style }, { ticket }) {
    const here = /** @type {End} */ (attach(ticket[0]));
    if (style === 'sync') {
      return {
        pingSync(message) {
          here.sendBytesSync(message);
          return here.recvBytesSync();
        },
      };
    }
    return {
      async ping(message) {
        await here.sendBytes(message);
        return here.recvBytes();
      },
    };
  },

  answer({ style, warmup, count }, ticket) {
    const there = /** @type {End} */ (attach(ticket[1]));
    if (style === 'sync') {
      return () => {
        for (let i = 0; i < warmup + count; i++) there.sendBytesSync(there.recvBytesSync());
      };
    }
    return async () => {
      for (let i = 0; i < warmup + count; i++) await there.sendBytes(await there.recvBytes());
    };
  },
});

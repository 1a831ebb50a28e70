// @ts-check
/** Two Queues of this library, one for each direction; `style` is sync or async. */
import { Queue, attach } from '../harness/multiproc.mjs';
import { roundtripContender } from '../harness/roundtrip.mjs';

await roundtripContender(import.meta, {
  unit: 'process',

  open({ capacity }) {
    const request = new Queue({ capacity, codec: 'raw' });
    const response = new Queue({ capacity, codec: 'raw' });
    return {
      ticket: [request.handle, response.handle],
      close() {
        request.close();
        response.close();
      },
    };
  },

  ask({ style }, { ticket }) {
    const [request, response] = ticket.map(attach);
    if (style === 'sync') {
      return {
        pingSync(message) {
          request.putSync(message);
          return response.getSync();
        },
      };
    }
    return {
      async ping(message) {
        await request.put(message);
        return response.get();
      },
    };
  },

  answer({ style, warmup, count }, ticket) {
    const [request, response] = ticket.map(attach);
    if (style === 'sync') {
      return () => {
        for (let i = 0; i < warmup + count; i++) response.putSync(request.getSync());
      };
    }
    return async () => {
      for (let i = 0; i < warmup + count; i++) await response.put(await request.get());
    };
  },
});

// @ts-check
/** Round trips over ZeroMQ REQ/REP on `ipc://`. */
import { Reply, Request } from 'zeromq';

import { roundtripContender } from '../harness/roundtrip.mjs';

await roundtripContender(import.meta, {
  unit: 'process',

  open: ({ scratch }) => ({ ticket: `ipc://${scratch}/echo.ipc`, close() {} }),

  ask(_spec, { ticket }) {
    const socket = new Request();
    socket.connect(ticket);
    return {
      async ping(message) {
        await socket.send(message);
        const [answer] = await socket.receive();
        return /** @type {Buffer} */ (answer);
      },
    };
  },

  async answer(_spec, ticket) {
    const socket = new Reply();
    await socket.bind(ticket);
    return async () => {
      for await (const [message] of socket) await socket.send(/** @type {Buffer} */ (message));
    };
  },
});

// @ts-check
/**
 * Round trips over Node's own channels: `style` json and advanced are `process.send`, thread is `postMessage` to a worker
 * thread.
 */
import { once } from 'node:events';
import { isMainThread, parentPort } from 'node:worker_threads';

import { roundtripContender } from '../harness/roundtrip.mjs';

const spec = isMainThread && process.argv[2] ? JSON.parse(process.argv[2]) : {};

await roundtripContender(import.meta, {
  unit: spec.style === 'thread' ? 'thread' : 'process',

  open: () => ({ ticket: null, close() {} }),

  ask({ style }, { unit }) {
    const json = style === 'json';
    return {
      async ping(message) {
        const answer = once(unit, 'message');
        const sent = json ? message.toString('base64') : message;
        if ('postMessage' in unit) unit.postMessage(sent);
        else unit.send(/** @type {any} */ (sent));
        const [received] = await answer;
        return json ? Buffer.from(received, 'base64') : received;
      },
    };
  },

  answer() {
    return () => {
      const port = isMainThread ? process : /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
      port.on('message', (/** @type {any} */ message) => {
        if (message === 'leave') return;
        if (isMainThread) process.send?.(message);
        else parentPort?.postMessage(message);
      });
    };
  },
});

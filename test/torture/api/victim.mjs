// @ts-check
// Waits for an order, does one operation of the public API, and is killed at the k-th point of it; or says how many there
// were.

import { createRequire } from 'node:module';
import { attach } from 'multiproc';
import { Ledger } from './ledger.mjs';
import { markRaw, operations } from './operations.mjs';

const path = process.env['MULTIPROC_NATIVE_PATH'] ?? '';
const { armFault, faultCount, faultPoint } = createRequire(import.meta.url)(path);

/** @typedef {{ what: string, k: number, name: string, handles: { [name: string]: string }, ledger: string }} Order */
process.once('message', async (/** @type {Order} */ { what, k, name, handles, ledger }) => {
  const operation = operations[what];
  if (operation === undefined) throw new Error(`There is no operation ${what}`);
  const things = Object.fromEntries(Object.entries(handles).map(([key, handle]) => [key, attach(handle)]));
  if (operation.on === 'raw' && things['queue'] !== undefined) markRaw(things['queue']);
  const stage = {
    things,
    name,
    ledger: new Ledger(/** @type {any} */ (attach(ledger))),
    point: faultPoint,
    victim: true,
  };
  await operation.prepare?.(stage);
  armFault(k);
  await operation.act(stage);
  const points = faultCount();
  armFault(0);
  process.send?.({ points }, () => process.disconnect());
});

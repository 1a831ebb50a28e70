// @ts-check
/** Pools: this library's. */
import { isMainProcess, Pool, task } from '../harness/multiproc.mjs';
import { conductPool } from '../harness/pool.mjs';
import { echo, square, WORKERS } from './pool-work.mjs';

const squareTask = task(import.meta, 'square', square);
const echoTask = task(import.meta, 'echo', echo);

if (isMainProcess) {
  const pool = new Pool(WORKERS);
  await conductPool({
    map: (items) => pool.map(squareTask, items),
    tiny: (items) => pool.imapUnordered(squareTask, items),
    echo: (value) => pool.apply(echoTask, [value]),
    end: () => pool.terminate(),
  });
}

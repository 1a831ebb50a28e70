// @ts-check
// A progress bar for a map that takes a while: cli-progress draws it, the pool says how far it is.
//
//   node examples/progress-bar.mjs [ITEMS]

import { SingleBar, Presets } from 'cli-progress';
import { isMainProcess, Pool, task } from 'multiproc';

const digitSum = task(
  import.meta,
  /** @param {number} n */
  function digitSum(n) {
    let sum = 0;
    for (let k = 0; k < 20_000; k += 1) sum = (sum + [...String(n * k)].reduce((a, b) => a + Number(b), 0)) % 9973;
    return sum;
  },
);

if (isMainProcess) {
  const items = Array(Number(process.argv[2] ?? 400)).keys();
  const bar = new SingleBar(
    { format: '{bar} {percentage} % | {value} of {total} | {eta} s left' },
    Presets.shades_classic,
  );
  bar.start(Number(process.argv[2] ?? 400), 0);
  const pool = new Pool();
  const sums = await pool.map(digitSum, items, {
    chunksize: 5,
    onProgress({ done }) {
      bar.update(done);
    },
  });
  bar.stop();
  console.log(`The largest is ${Math.max(...sums)}.`);
  pool.close();
  await pool.join();
}

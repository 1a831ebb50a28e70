// @ts-check
/** A farm of two workers computes a picture of `count` points a line, 4 lines for 7 of them, line by line. */
import { isMainProcess } from '../harness/multiproc.mjs';
import {
  AltSelect,
  Channel,
  InputGuard,
  OutputGuard,
  Parallel,
  process as csp,
  retire,
  times,
} from '../../dist/csp.js';

import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

/** @typedef {[row: number, line: Uint8Array]} Line */

const MOST = 255;
const WORKERS = 2;

/** @param {number} x @param {number} y */
function stepsAt(x, y) {
  let re = 0;
  let im = 0;
  for (let step = 0; step < MOST; step += 1) {
    const next = re * re - im * im + x;
    im = 2 * re * im + y;
    re = next;
    if (re * re + im * im > 4) return step;
  }
  return MOST;
}

const Worker = csp(
  import.meta,
  /** @param {import('../../dist/csp.js').ReadEnd<number>} jobs @param {import('../../dist/csp.js').WriteEnd<Line>} lines @param {number} width @param {number} height */
  async function Worker(jobs, lines, width, height) {
    for await (const row of jobs) {
      const line = new Uint8Array(width);
      for (let column = 0; column < width; column += 1)
        line[column] = stepsAt((column / width) * 3.5 - 2.5, (row / height) * 2 - 1);
      await lines([row, line]);
    }
  },
);

const Farmer = csp(
  /** @param {import('../../dist/csp.js').WriteEnd<number>} jobs @param {import('../../dist/csp.js').ReadEnd<Line>} lines @param {number} width @param {number} height */
  async function Farmer(jobs, lines, width, height) {
    let [painted, steps] = [0, 0];
    const paint = (/** @type {Line} */ [, line]) => {
      painted += 1;
      for (const step of line) steps += step;
    };
    for (let row = 0; row < height;) {
      const { end } = await AltSelect(new OutputGuard(jobs, row), new InputGuard(lines, paint));
      if (end === jobs) row += 1;
    }
    retire(jobs);
    for await (const line of lines) paint(line);
    return [painted, steps];
  },
  { inline: true },
);

if (isMainProcess) {
  const { count: width } = JSON.parse(process.argv[2] ?? '');
  const height = Math.round((width * 4) / 7);
  const start = nowNs();
  /** @type {Channel<number>} */
  const jobs = new Channel();
  /** @type {Channel<Line>} */
  const lines = new Channel();
  const [result] = await Parallel(
    Farmer(jobs.writer(), lines.reader(), width, height),
    times(WORKERS, Worker(jobs.reader(), lines.writer(), width, height)),
  );
  const elapsedNs = nowNs() - start;
  const [painted, steps] = /** @type {[number, number]} */ (result);
  if (painted !== height) throw new Error(`Cannot accept sample: ${painted} lines of ${height}`);
  printReport({ elapsedNs, count: width, metrics: { elapsed: elapsedNs, steps } });
}

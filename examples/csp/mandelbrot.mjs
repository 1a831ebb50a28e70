// @ts-check
// A farm of workers computes a picture of the Mandelbrot set, line by line. The farmer hands out a line wherever somebody asks for one, and paints what comes back.
//
//   node examples/csp/mandelbrot.mjs [file.pgm] [width]
import { writeFileSync } from 'node:fs';
import { isMainProcess, usableCpuCount } from 'multiproc';
import { AltSelect, Channel, InputGuard, OutputGuard, Parallel, process as csp, retire, times } from 'multiproc/csp';

const MOST = 255;

/** Steps until a point is known to be outside. @param {number} x @param {number} y */
function stepsAt(x, y) {
  let [re, im] = [0, 0];
  for (let step = 0; step < MOST; step += 1) {
    [re, im] = [re * re - im * im + x, 2 * re * im + y];
    if (re * re + im * im > 4) return step;
  }
  return MOST;
}

const Worker = csp(
  import.meta,
  /** @param {import('multiproc/csp').ReadEnd<number>} jobs @param {import('multiproc/csp').WriteEnd} lines @param {number} width @param {number} height */
  async function Worker(jobs, lines, width, height) {
    for await (const row of jobs) {
      const line = Uint8Array.from({ length: width }, (_, column) =>
        stepsAt((column / width) * 3.5 - 2.5, (row / height) * 2 - 1),
      );
      await lines([row, line]);
    }
  },
);

const Farmer = csp(
  /** @param {import('multiproc/csp').WriteEnd<number>} jobs @param {import('multiproc/csp').ReadEnd<[number, Uint8Array]>} lines @param {number} width @param {number} height */
  async function Farmer(jobs, lines, width, height) {
    const picture = new Uint8Array(width * height);
    const paint = (/** @type {[number, Uint8Array]} */ [row, line]) => picture.set(line, row * width);
    for (let row = 0; row < height;) {
      // Whatever comes first: somebody who wants a line, or one that is done.
      const { end } = await AltSelect(new OutputGuard(jobs, row), new InputGuard(lines, paint));
      if (end === jobs) row += 1;
    }
    retire(jobs);
    for await (const line of lines) paint(line);
    return picture;
  },
  { inline: true },
);

if (isMainProcess) {
  const [, , file = 'mandelbrot.pgm', size = '700'] = process.argv;
  const width = Number(size);
  const height = Math.round((width * 4) / 7);
  /** @type {Channel<number>} */
  const jobs = new Channel();
  /** @type {Channel<[number, Uint8Array]>} */
  const lines = new Channel();
  const [picture] = await Parallel(
    Farmer(jobs.writer(), lines.reader(), width, height),
    times(usableCpuCount(), Worker(jobs.reader(), lines.writer(), width, height)),
  );
  writeFileSync(file, Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), /** @type {Uint8Array} */ (picture)]));
  console.log(`${file}: ${width} × ${height}`);
}

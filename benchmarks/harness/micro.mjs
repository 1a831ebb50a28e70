// @ts-check
/** Times one operation in a loop of its own, in a fresh process. */
import { nowNs } from './clock.mjs';
import { printReport } from './report.mjs';

/** Long enough for the optimising compiler, whatever the count: short samples must not measure the interpreter. */
const WARM_UP_NS = 500e6;

/**
 * @typedef {object} Operation
 * @property {(count: number) => void} run does the operation `count` times and throws when the result is wrong
 * @property {() => void} [clean] undoes what one run left, outside the clock
 * @property {number} [most] operations that one run may do before it must be cleaned
 */

/** @param {Record<string, () => Operation>} operations by the name that the spec gives */
export function microContender(operations) {
  /** @type {{ operation: string, count: number }} */
  const spec = JSON.parse(process.argv[2] ?? '');
  const make = operations[spec.operation];
  if (make === undefined) throw new Error(`Cannot start: there is no operation ${spec.operation}`);
  const { run, clean = () => {}, most = Infinity } = make();

  /** @param {number} count */
  const timed = (count) => {
    let elapsed = 0;
    for (let left = count; left > 0; left -= most) {
      const part = Math.min(left, most);
      const start = nowNs();
      run(part);
      elapsed += nowNs() - start;
      clean();
    }
    return elapsed;
  };

  for (let warm = 0; warm < WARM_UP_NS;) warm += timed(Math.max(1, Math.ceil(spec.count / 10)));
  const elapsedNs = timed(spec.count);
  printReport({ elapsedNs, count: spec.count, metrics: { perOperation: elapsedNs / spec.count } });
}

/** @param {unknown} actual @param {unknown} expected */
export function expectResult(actual, expected) {
  if (actual !== expected) throw new Error(`Cannot accept sample: result ${actual}, expected ${expected}`);
}

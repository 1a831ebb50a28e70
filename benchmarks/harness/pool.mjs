// @ts-check
/** Puts one pool to one kind of work. */
import { sumOfSquares, WORKERS } from '../contenders/pool-work.mjs';
import { nowNs } from './clock.mjs';
import { printReport } from './report.mjs';

/** Longest list for one call of map. */
const LONGEST_LIST = 1_000_000;
const BUFFER = 32 * 1024 * 1024;
const WARM_UP_NS = 1e9;

/**
 * @typedef {object} PoolUnderTest
 * @property {(items: number[]) => PromiseLike<number[]>} map squares
 * @property {(items: number[]) => AsyncIterable<unknown>} tiny squares, one item to a message, in any order
 * @property {(value: any) => PromiseLike<any>} echo
 * @property {() => PromiseLike<unknown>} end
 */

/** @type {Record<string, (pool: PoolUnderTest, count: number) => Promise<number[]>>} each gives the times of its parts in ns */
const works = {
  async map(pool, count) {
    const times = [];
    for (let left = count; left > 0; left -= LONGEST_LIST) {
      const items = Array.from({ length: Math.min(left, LONGEST_LIST) }, (_, index) => index);
      const start = nowNs();
      const values = await pool.map(items);
      times.push(nowNs() - start);
      expectSum(
        values.reduce((sum, value) => sum + value, 0),
        items.length,
      );
    }
    return times;
  },
  async tiny(pool, count) {
    const items = Array.from({ length: count }, (_, index) => index % 1000);
    let sum = 0;
    const start = nowNs();
    for await (const value of pool.tiny(items)) sum += /** @type {number} */ (value);
    const elapsed = nowNs() - start;
    const expected = Math.floor(count / 1000) * sumOfSquares(1000) + sumOfSquares(count % 1000);
    if (sum !== expected) throw new Error(`Cannot accept sample: sum ${sum}, expected ${expected}`);
    return [elapsed];
  },
  async apply(pool, count) {
    const times = [];
    for (let index = 0; index < count; index += 1) {
      const start = nowNs();
      const value = await pool.echo(index);
      times.push(nowNs() - start);
      if (value !== index) throw new Error(`Cannot accept sample: ${value} came back for ${index}`);
    }
    return times;
  },
  async buffer(pool, count) {
    const times = [];
    const buffer = Buffer.alloc(BUFFER);
    for (let index = 0; index < count; index += 1) {
      buffer.writeUInt32LE(index + 1, BUFFER - 4);
      const start = nowNs();
      const value = await pool.echo(buffer);
      times.push(nowNs() - start);
      const back = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      if (back.length !== BUFFER || back.readUInt32LE(BUFFER - 4) !== index + 1)
        throw new Error('Cannot accept sample: other bytes came back');
    }
    return times;
  },
};

/** @param {number} actual @param {number} count */
function expectSum(actual, count) {
  const expected = sumOfSquares(count);
  // The sums of large lists are rounded, always the same way for the same order.
  if (Math.abs(actual - expected) > expected * 1e-9)
    throw new Error(`Cannot accept sample: sum ${actual}, expected ${expected}`);
}

/** @param {PoolUnderTest} pool */
export async function conductPool(pool) {
  /** @type {{ work: string, count: number }} */
  const { work, count } = JSON.parse(process.argv[2] ?? '');
  const run = /** @type {NonNullable<typeof works[string]>} */ (works[work]);
  // Outside of the clock: the workers' start, and the compilers of all.
  await Promise.all(Array.from({ length: 8 * WORKERS }, (_, index) => pool.echo(index)));
  const warm = Math.max(1, Math.ceil(count / 10));
  for (const start = nowNs(); nowNs() - start < WARM_UP_NS;) await run(pool, warm);
  const times = (await run(pool, count)).sort((a, b) => a - b);
  const elapsedNs = times.reduce((sum, time) => sum + time, 0);
  await pool.end();
  const median = times[times.length >> 1] ?? NaN;
  printReport({ elapsedNs, count, metrics: { rate: (count * 1e9) / elapsedNs, median } });
  process.exit();
}

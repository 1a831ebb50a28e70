/** Pools whose workers are threads: the same code above the start method. */
import {
  currentProcess,
  getContext,
  Lock,
  Pool,
  TerminatedError,
  TimeoutError,
  Value,
  WorkerDiedError,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { addLocked, exitWith, fail, spin, square, whoAmI } from '../fixtures/thread-pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

describe.each([
  ['an option', () => new Pool({ processes: 2, startMethod: 'thread' })],
  ['a context', () => new (getContext('thread').Pool)(2)],
])('a pool of threads, by %s', (_what, make) => {
  test('does what one of processes does, in this process', async () => {
    const pool = make();
    expect(await pool.apply(whoAmI)).toEqual([process.pid, expect.stringMatching(/^PoolWorker-[12]$/), false]);
    expect(await pool.map(square, [1, 2, 3, 4], { chunksize: 1 })).toEqual([1, 4, 9, 16]);
    expect(pool.applySync(square, [12])).toBe(144);
    const values = [];
    for await (const value of pool.imap(square, [5, 6])) values.push(value);
    expect(values).toEqual([25, 36]);
    await expect(pool.apply(fail, ['that'])).rejects.toMatchObject({ name: 'RangeError', message: 'that' });
    const [lock, sum] = [new Lock(), new Value('i', 0)];
    await Promise.all([1, 2, 3, 4].map(() => pool.apply(addLocked, [lock, sum, 1000])));
    expect(sum.value).toBe(4000);
    pool.close();
    await pool.join();
    expect(currentProcess().name).toBe('MainProcess');
  });

  test('a thread that ends itself, or is ended, fails its own task and is replaced', async () => {
    const pool = make();
    const died = pool.apply(exitWith, [7]);
    await expect(died).rejects.toBeInstanceOf(WorkerDiedError);
    await expect(died).rejects.toMatchObject({ exitCode: 7 });
    await expect(pool.apply(spin, [], { timeout: 50 })).rejects.toBeInstanceOf(TimeoutError);
    expect(await pool.map(square, [1, 2, 3])).toEqual([1, 4, 9]);
    const running = pool.apply(spin);
    const terminated = pool.terminate();
    await expect(running).rejects.toBeInstanceOf(TerminatedError);
    await terminated;
  });
});

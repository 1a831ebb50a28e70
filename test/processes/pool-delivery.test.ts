/** Jobs on their way to the workers: that have no room yet, or cannot be received. */
import { CorruptSegmentError, Event, Pool, Queue, SystemError } from 'multiproc';
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { lengthOf, pidOf, square, waitFor } from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const LARGE = 1_234_567;
const large = Buffer.alloc(LARGE);

/** The messages that have files of their own, and `large` in them: no other test sends anything as long as that. */
function spilledFiles(): string[] {
  const files = readdirSync('/dev/shm').filter((file) => /\.~[0-9a-f]+\.[0-9a-f]+$/.test(file));
  return files
    .map((file) => `/dev/shm/${file}`)
    .filter((file) => Math.abs((statSync(file, { throwIfNoEntry: false })?.size ?? 0) - LARGE) < 1000);
}

describe('more than the queue has room for', () => {
  test.for([1000, 100_000])('is sent as room comes, to a thread that blocks: items of %d bytes', async (length) => {
    await using pool = new Pool(2);
    const count = 4_000_000 / length;
    const items = numbers(count).map(() => Buffer.alloc(length));
    expect(pool.mapSync(lengthOf, items, { chunksize: 1 })).toEqual(items.map(() => length));
    const results = items.map((item) => pool.applyAsync(lengthOf, [item], { key: 1 }));
    expect(results.map((result) => result.getSync())).toEqual(items.map(() => length));
  });

  test('a call that is cancelled while it waits for room lets the next one have it', async () => {
    await using pool = new Pool(1);
    const [started, gate] = [new Queue<number>(), new Event()];
    const running = pool.applyAsync(waitFor, [started, gate, 'value']);
    await started.get();
    const text = 'x'.repeat(50_000);
    const waiting = numbers(30).map(() => pool.applyAsync(lengthOf, [text]));
    for (const [index, result] of waiting.entries()) if (index % 3 > 0) result.cancel();
    const last = pool.applyAsync(square, [7]);
    gate.set();
    expect(await running).toBe('value');
    for (const [index, result] of waiting.entries()) if (index % 3 === 0) expect(await result).toBe(50_000);
    expect(await last).toBe(49);
    expect(pool.stats()).toMatchObject({ queued: 0, running: 0, failed: 0, started: 1 });
    for (const object of [started, gate]) object.close();
  });
});

describe('a job that no worker can receive', () => {
  test.for([
    ['gone', rmSync],
    [
      'cut',
      (file: string) => {
        truncateSync(file, 1000);
      },
    ],
    [
      'full of holes',
      (file: string) => {
        const { size } = lstatSync(file);
        truncateSync(file, 0);
        truncateSync(file, size);
      },
    ],
  ] as const)('since its file is %s: fails, costs no worker, and those behind it are done', async ([, damage]) => {
    await using pool = new Pool(1);
    const [started, gate] = [new Queue<number>(), new Event()];
    const running = pool.applyAsync(waitFor, [started, gate, 'value']);
    const pid = await started.get();
    const damaged = pool.applyAsync(lengthOf, [large], { retries: 3 });
    const files = spilledFiles();
    expect(files).toHaveLength(1);
    for (const file of files) damage(file);
    const behind = pool.applyAsync(lengthOf, [large]);
    gate.set();
    await expect(damaged).rejects.toThrow(CorruptSegmentError);
    expect(await running).toBe('value');
    expect(await behind).toBe(LARGE);
    expect(await pool.apply(pidOf)).toBe(pid);
    expect(pool.stats()).toMatchObject({ queued: 0, running: 0, failed: 1, started: 1 });
    for (const object of [started, gate]) object.close();
  });

  test.for([{}, { key: 1 }])('since it has no descriptors left: fails with that, %o', async (options) => {
    await using pool = new Pool(1);
    const pid = await pool.apply(pidOf);
    const limit = (descriptors: string): void => {
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${descriptors}:`]);
    };
    await pool.apply(lengthOf, [large]);
    limit('3');
    await expect(pool.apply(lengthOf, [large], options)).rejects.toThrow(SystemError);
    expect(await pool.apply(lengthOf, ['small'])).toBe(5);
    limit('1024');
    expect(await pool.apply(lengthOf, [large], options)).toBe(LARGE);
    expect(await pool.apply(pidOf)).toBe(pid);
  });
});

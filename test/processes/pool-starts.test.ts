/** Workers of a pool that do not become ready for work. */
import { Event, Pool, SharedArray, Value, WorkerDiedError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { failToPrepare, plantError, prepareAtGate, square } from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

describe('workers that cannot be had', () => {
  test.for(['throw', 'reject', 'exit'])('D12: a failing initializer is told after few starts: %s', async (how) => {
    const starts = new Value('i', 0);
    const pool = new Pool({ processes: 2, initializer: failToPrepare, initargs: [how, starts] });
    const iterator = pool.imap(
      square,
      (function* () {
        for (let x = 0; ; x++) yield x;
      })(),
    );
    const error = await pool.apply(square, [1]).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkerDiedError);
    expect(String(error)).toContain('its workers end before they are ready');
    if (how === 'throw') expect(String(error)).toContain('cannot prepare');
    await expect(iterator.next()).rejects.toThrow(WorkerDiedError);
    await expect(pool.apply(square, [1])).rejects.toThrow(WorkerDiedError);
    expect(String(pool)).toBe('<Pool processes=2 failed>');
    pool.close();
    await pool.join();
    expect(starts.value).toBeLessThanOrEqual(6);
    starts.close();
  });

  test('killed before they are ready, they are replaced', async () => {
    const [starts, pids, gate] = [new Value('i', 0), new SharedArray('i', 8), new Event()];
    await using pool = new Pool({ processes: 2, initializer: prepareAtGate, initargs: [starts, pids, gate] });
    const result = pool.applyAsync(square, [3]);
    for (let kills = 0; kills < 6; kills++) {
      await until('one more prepares', () => pids.getObj()[kills] !== 0);
      process.kill(pids.getObj()[kills] as number, 'SIGKILL');
    }
    gate.set();
    expect(await result).toBe(9);
    await until('all were replaced', () => pool.stats().started === 8);
    expect(pool.stats().failed).toBe(0);
    for (const object of [starts, pids, gate]) object.close();
  });

  test('killed again and again before one is ready, they are given up, also by a thread that blocks', async () => {
    const starts = new Value('i', 0);
    const pool = new Pool({ processes: 1, initializer: failToPrepare, initargs: ['kill', starts] });
    expect(() => pool.applySync(square, [1])).toThrow(
      /10 workers in a row were killed before they were ready; .* was ended by SIGKILL/,
    );
    expect(starts.value).toBe(10);
    await expect(pool.apply(square, [1])).rejects.toThrow(WorkerDiedError);
    pool.close();
    await pool.join();
    starts.close();
  });

  test('those that end by themselves as soon as they are ready are given up', async () => {
    const starts = new Value('i', 0);
    const pool = new Pool({ processes: 1, initializer: plantError, initargs: [starts] });
    await until('it has failed', () => String(pool) === '<Pool processes=1 failed>');
    expect(starts.value).toBe(3);
    await expect(pool.apply(square, [1])).rejects.toThrow(
      /its workers end as soon as they are ready; .* exited with code 1: left behind/,
    );
    await pool.terminate();
    starts.close();
  });

  test.for(['promise', 'blocked'])('startTimeout: an initializer that hangs is a failed start: %s', async (form) => {
    const [starts, pids, gate] = [new Value('i', 0), new SharedArray('i', 8), new Event()];
    const pool = new Pool({
      processes: 1,
      initializer: prepareAtGate,
      initargs: [starts, pids, gate],
      startTimeout: 1,
    });
    const call = async (): Promise<unknown> =>
      form === 'promise' ? pool.apply(square, [1]) : pool.applySync(square, [1]);
    await expect(call()).rejects.toThrow(
      /its workers end before they are ready; .* was ended since it was not ready within 1 ms/,
    );
    expect(pool.stats().started).toBe(3);
    await pool.terminate();
    for (const object of [starts, pids, gate]) object.close();
  });
});

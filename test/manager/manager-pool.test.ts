/**
 * Pools of a manager.
 */
import { Event, Manager, NotTransferableError, Queue, StateError, TerminatedError, WorkerDiedError } from 'multiproc';
import { expect, test } from 'vitest';
import { add, end, fail, pidOf, square, waitFor } from '../fixtures/pool-tasks.mjs';
import { Agent } from '../support/agent.js';
import { isGone } from '../support/gone.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

test('runs tasks in workers of the manager, for whoever has the proxy', async () => {
  await using manager = await Manager();
  await using pool = await manager.Pool(2);
  expect(await pool.apply(square, [3])).toBe(9);
  expect(await pool.map(square, [1, 2, 3])).toEqual([1, 4, 9]);
  expect(await pool.map(square, new Set([4]), { chunksize: 1 })).toEqual([16]);
  expect(
    await pool.starmap(add, [
      [1, 2],
      [3, 4],
    ]),
  ).toEqual([3, 7]);
  using result = await pool.applyAsync(square, [5]);
  expect([await result.wait(), await result.get(), await result.ready(), await result.successful()]).toEqual([
    true,
    25,
    true,
    true,
  ]);
  const agent = new Agent();
  expect(await agent.call(result.handle, 'get')).toBe(25);
  await agent.end();
  const worker = (await pool.apply(pidOf)) as number;
  expect([process.pid, manager.pid]).not.toContain(worker);
  expect(String(pool)).toContain('Pool');
});

test('errors of tasks, of workers that die, and of misuse', async () => {
  await using manager = await Manager();
  await using pool = await manager.Pool(1);
  await expect(pool.apply(end, ['exit3'])).rejects.toThrow(WorkerDiedError);
  await expect(pool.apply(fail, ['custom'])).rejects.toMatchObject({ name: 'CustomError', code: 'E_CUSTOM' });
  await expect(pool.apply(() => 1)).rejects.toThrow(NotTransferableError);
  await expect(pool.map(square, 5 as never)).rejects.toThrow(TypeError);
  await expect(pool.apply(square, 5 as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
  await expect(manager.Pool(0)).rejects.toThrow(RangeError);
  await pool.close();
  await expect(pool.apply(square, [1])).rejects.toThrow(StateError);
  await pool.join();
});

test('a wait for a result can be given up, a task can be called off; timeouts', async () => {
  await using manager = await Manager();
  await using pool = await manager.Pool(1);
  using started = new Queue<number>();
  using gate = new Event();
  using result = await pool.applyAsync(waitFor, [started, gate, 'done']);
  await started.get();
  expect([await result.ready(), await result.wait({ timeout: 5 })]).toEqual([false, false]);
  await expect(result.successful()).rejects.toThrow(StateError);
  await expect(result.get({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
  const controller = new AbortController();
  const waits = [
    result.get({ signal: controller.signal }),
    result.wait({ signal: controller.signal }),
    pool.apply(square, [1], { signal: controller.signal }),
  ];
  controller.abort(new Error('enough'));
  await Promise.all(waits.map((wait) => expect(wait).rejects.toThrow('enough')));
  gate.set();
  expect(await result.get()).toBe('done');
  expect(await pool.apply(square, [2])).toBe(4);
});

test('workers end with the pool, when it is terminated or nobody uses it any more', async () => {
  await using manager = await Manager();
  const pool = await manager.Pool(1);
  const worker = (await pool.apply(pidOf)) as number;
  pool[Symbol.dispose]();
  await until('the worker has ended', async () => (await manager.stats()).objects === 0 && isGone(worker));

  using terminated = await manager.Pool(1);
  using started = new Queue<number>();
  using gate = new Event();
  using result = await terminated.applyAsync(waitFor, [started, gate]);
  const pid = await started.get();
  await terminated.terminate();
  await expect(result.get()).rejects.toThrow(TerminatedError);
  await until('its worker has ended', () => isGone(pid));
});

test('what was submitted is worked off, though nobody has the pool any more', async () => {
  await using manager = await Manager();
  const pool = await manager.Pool(1);
  using started = new Queue<number>();
  using gate = new Event();
  using result = await pool.applyAsync(waitFor, [started, gate, 'done']);
  const worker = await started.get();
  pool[Symbol.dispose]();
  await until('the pool is let go of', async () => (await manager.stats()).objects === 1);
  gate.set();
  expect(await result.get()).toBe('done');
  await until('the worker has ended', () => isGone(worker));
});

test('workers end with a manager that is killed', async () => {
  await using manager = await Manager();
  const pool = await manager.Pool(1);
  const worker = (await pool.apply(pidOf)) as number;
  process.kill(manager.pid ?? 0, 'SIGKILL');
  await until('the worker has ended', () => isGone(worker));
  pool[Symbol.dispose]();
});

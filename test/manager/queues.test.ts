/**
 * Queues of a manager.
 */
import {
  Empty,
  Full,
  Manager,
  type ManagedJob,
  type ManagedQueue,
  NotFoundError,
  OverReleaseError,
  ShutDownError,
  type SyncManager,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { machineNow } from '../support/machine-clock.js';
import { until } from '../support/until.js';

let manager: SyncManager;
let agent: Agent;
beforeAll(async () => {
  manager = await Manager();
  agent = new Agent();
});
afterAll(async () => {
  await agent.end();
  await manager.shutdown();
});

const kinds = ['Queue', 'JoinableQueue'] as const;

describe.each(kinds)('%s', (kind) => {
  const make = (maxsize?: number): Promise<ManagedQueue> => manager[kind](maxsize);

  test('gives what was put, in order', async () => {
    using queue = await make();
    expect([await queue.qsize(), await queue.empty(), await queue.full()]).toEqual([0, true, false]);
    await queue.put(1);
    await queue.putNowait({ two: 2 });
    expect(await queue.putMany([3, undefined, 5])).toBe(3);
    expect([await queue.qsize(), await queue.empty()]).toEqual([5, false]);
    expect([await queue.get(), await queue.getNowait()]).toEqual([1, { two: 2 }]);
    expect(await queue.getMany(2)).toEqual([3, undefined]);
    expect(await queue.getMany()).toEqual([5]);
    expect(String(queue)).toBe('<queue, size=0>');
  });

  test('Empty and Full, at once and when the time is over', async () => {
    using queue = await make(2);
    await expect(queue.getNowait()).rejects.toThrow(Empty);
    for (const timeout of [-1, 0, 10]) await expect(queue.get({ timeout })).rejects.toThrow(Empty);
    await expect(queue.getMany(5, { timeout: 5 })).rejects.toThrow(Empty);
    await queue.putMany([1, 2]);
    expect(await queue.full()).toBe(true);
    await expect(queue.putNowait(3)).rejects.toThrow(Full);
    for (const timeout of [0, 10]) await expect(queue.put(3, { timeout })).rejects.toThrow(Full);
    expect(await queue.getMany()).toEqual([1, 2]);
    expect(String(queue)).toBe('<queue, size=0/2>');
  });

  test('putMany() puts as many as there is room for within the time, which is for all of them', async () => {
    using queue = await make(3);
    await expect(queue.putMany([1, 2, 3, 4, 5], { timeout: 20 })).rejects.toMatchObject({
      code: 'ERR_MULTIPROC_FULL',
      count: 3,
    });
    const putting = queue.putMany([4, 5, 6, 7], { timeout: 400 }).catch((error: unknown) => error);
    const begin = machineNow();
    // One goes in each time that there is room, and the time goes on.
    for (let n = 1; n <= 2; n++) expect(await queue.get()).toBe(n);
    expect(await putting).toMatchObject({ count: 2 });
    expect(machineNow() - begin).toBeLessThan(4 * 400);
    expect(await queue.getMany()).toEqual([3, 4, 5]);
  });

  test('bad arguments', async () => {
    using queue = await make();
    for (const max of [0, -1, 1.5, 'x'])
      await expect(queue.getMany(max as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(queue.putMany(5 as never)).rejects.toThrow(TypeError);
    await expect(queue.get({ timeout: NaN })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(queue.get({ signal: 5 as never })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(make('x' as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(manager[kind](null as never)).rejects.toThrow(TypeError);
    using bounded = await manager[kind]({ maxsize: 1 });
    await bounded.put(1);
    expect(await bounded.full()).toBe(true);
  });

  test('those who wait are served first come, first served, from any process', async () => {
    using queue = await make(1);
    const gets = [queue.get(), queue.get(), queue.get()];
    await queue.putMany([1, 2, 3]);
    expect(await Promise.all(gets)).toEqual([1, 2, 3]);
    await queue.put(0);
    const puts = [queue.put(1), queue.put(2)];
    expect(await agent.call(queue.handle, 'get')).toBe(0);
    expect(await agent.call(queue.handle, 'get')).toBe(1);
    await Promise.all(puts);
    expect(await queue.get()).toBe(2);
  });

  test('an abort has consumed nothing and put nothing', async () => {
    using queue = await make(1);
    const controller = new AbortController();
    const { signal } = controller;
    const gets = [queue.get({ signal }), queue.getMany(2, { signal })];
    const next = queue.get();
    controller.abort(new Error('enough'));
    await Promise.all(gets.map((get) => expect(get).rejects.toThrow('enough')));
    await queue.put(1);
    expect(await next).toBe(1);
    await queue.put(2);
    const second = new AbortController();
    const puts = [queue.put(3, { signal: second.signal }), queue.putMany([4, 5], { signal: second.signal })];
    second.abort(new Error('enough, too'));
    await Promise.all(puts.map((put) => expect(put).rejects.toThrow('enough, too')));
    expect(await queue.getMany()).toEqual([2]);
    expect(await queue.empty()).toBe(true);
  });

  test('an abort before or after the answer: what was got is what is missing', async () => {
    using queue = await make();
    let next = 0;
    for (let n = 0; n < 300; n++) {
      await queue.put(n);
      const controller = new AbortController();
      const get = queue.get({ signal: controller.signal });
      for (let turns = n % 30; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      const got = await get.catch(() => 'nothing');
      if (got !== 'nothing') expect(got).toBe(next++);
    }
    for (; next < 300; next++) expect(await queue.getNowait()).toBe(next);
    expect(await queue.empty()).toBe(true);
  });

  test('shutdown: no more puts, gets until it is empty', async () => {
    using queue = await make(1);
    await queue.put(1);
    const put = queue.put(2);
    await queue.shutdown();
    await expect(put).rejects.toThrow(ShutDownError);
    await expect(queue.put(3)).rejects.toThrow(ShutDownError);
    const seen: unknown[] = [];
    for await (const item of queue) seen.push(item);
    expect(seen).toEqual([1]);
    await expect(queue.get()).rejects.toThrow(ShutDownError);
    using other = await make();
    const get = other.get();
    await other.shutdown({ immediate: true });
    await expect(get).rejects.toThrow(ShutDownError);
  });
});

describe('JoinableQueue', () => {
  test('knows what is unfinished', async () => {
    using queue = await manager.JoinableQueue<number>();
    expect(await queue.join()).toBe(true);
    await queue.putMany([1, 2, 3]);
    expect([await queue.unfinished(), await queue.join({ timeout: 0 }), await queue.join({ timeout: 10 })]).toEqual([
      3,
      false,
      false,
    ]);
    const joining = queue.join();
    await queue.get();
    await queue.taskDone();
    const job = await queue.take();
    expect([job.value, job.attempts]).toEqual([2, 1]);
    await job.done();
    await expect(job.done()).rejects.toThrow(NotFoundError);
    await expect(job.requeue()).rejects.toThrow(NotFoundError);
    await agent.call(queue.handle, 'get');
    await agent.call(queue.handle, 'taskDone');
    expect(await joining).toBe(true);
    await expect(queue.taskDone()).rejects.toThrow(OverReleaseError);
  });

  test('a job that is given back is the next one, and its attempts are counted', async () => {
    using queue = await manager.JoinableQueue<string>();
    await queue.putMany(['a', 'b']);
    const first: ManagedJob<string> = await queue.take();
    await first.requeue();
    const again = await queue.take();
    expect([again.value, again.attempts]).toEqual(['a', 2]);
    // What is claimed is finished by its claim.
    await queue.get();
    await queue.taskDone();
    await expect(queue.taskDone()).rejects.toThrow(OverReleaseError);
    await again.done();
    expect(await queue.unfinished()).toBe(0);
  });

  test('what is thrown away at an immediate shutdown is not waited for', async () => {
    using queue = await manager.JoinableQueue<number>();
    await queue.putMany([1, 2]);
    const joining = queue.join();
    await queue.shutdown({ immediate: true });
    expect(await joining).toBe(true);
  });

  test('an abort of take() and join() has changed nothing', async () => {
    using queue = await manager.JoinableQueue<number>();
    const controller = new AbortController();
    const taking = queue.take({ signal: controller.signal });
    await queue.put(1);
    const job = await taking;
    const waits = [queue.take({ signal: controller.signal }), queue.join({ signal: controller.signal })];
    controller.abort(new Error('enough'));
    await Promise.all(waits.map((wait) => expect(wait).rejects.toThrow('enough')));
    await job.requeue();
    expect(await queue.unfinished()).toBe(1);
    expect(await queue.get()).toBe(1);
  });
});

test('four processes that put and two that get lose and double nothing', async () => {
  using queue = await manager.Queue<string>(5);
  const agents = Array.from({ length: 5 }, () => new Agent());
  const count = 40;
  const putting = agents.slice(0, 4).map(async (each, p) => {
    for (let n = 0; n < count; n++) await each.call(queue.handle, 'put', `${p}.${n}`);
  });
  const got: string[] = [];
  const get = async (next: () => Promise<string>): Promise<void> => {
    for (;;) {
      const item = await next();
      if (item === 'end') return;
      got.push(item);
    }
  };
  const getting = [get(() => queue.get()), get(() => (agents[4] as Agent).call(queue.handle, 'get'))];
  await Promise.all(putting);
  await queue.putMany(['end', 'end']);
  await Promise.all(getting);
  expect(got.length).toBe(4 * count);
  expect(new Set(got).size).toBe(4 * count);
  expect(await queue.empty()).toBe(true);
  for (const each of agents) await each.end();
  await until('nobody else is connected', async () => (await manager.stats()).clients <= 2);
});

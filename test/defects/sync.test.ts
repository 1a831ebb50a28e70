/** What locks and their kin of Python's multiprocessing do wrong, and these do not: see `channels.test.ts`. */
import * as multiproc from 'multiproc';
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  OverReleaseError,
  Pipe,
  Process,
  Queue,
  Semaphore,
  wait,
} from 'multiproc';
import { expect, test } from 'vitest';
import { runForEver } from '../fixtures/tasks.mjs';
import { tryLocks } from '../fixtures/defect-tasks.mjs';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

test('D6: the lock of a process that died goes to the next, who is told', async () => {
  using lock = new Lock();
  const owner = new Agent();
  await owner.call(lock, 'acquireSync');
  expect(lock.tryAcquire()).toBe(false);
  await owner.kill();
  expect(await lock.acquire({ timeout: 200_000 })).toBe(true);
  expect(lock.ownerDied).toBe(true);
});

test('D7: notifyAll() and set() wait for nobody, be it a waiter that was killed or one that is stopped', async () => {
  using condition = new Condition();
  using event = new Event();
  const agents = [new Agent(), new Agent()] as const;
  for (const [index, agent] of agents.entries()) {
    await agent.call(condition, 'acquireSync');
    void agent.call(condition, 'wait').catch(() => 'killed');
    void agent.call(event, 'wait').catch(() => 'killed');
    await until(
      'it waits',
      () => condition.toString().endsWith(`, ${index + 1})>`) && event.stats().waiters === index + 1,
    );
  }
  const [killed, stopped] = agents;
  await killed.kill();
  stopped.child.kill('SIGSTOP');
  const notifier = new Agent();
  await notifier.call(condition, 'acquireSync', { timeout: 200_000 });
  await notifier.call(condition, 'notifyAll');
  await notifier.call(condition, 'release');
  await notifier.call(event, 'set');
  expect(event.isSet()).toBe(true);
  await notifier.end();
  await stopped.kill();
});

test('D8: a barrier breaks when a party that waits is killed, for those with a timeout too', async () => {
  using barrier = new Barrier(3);
  const [party, blocked] = [new Agent(), new Agent()];
  const lost = party.call(barrier, 'waitSync').catch(() => 'killed');
  // Later than the end of this test.
  const timeout = 600_000;
  const broken = expect(blocked.call(barrier, 'waitSync', { timeout })).rejects.toMatchObject({
    code: 'ERR_MULTIPROC_BROKEN_BARRIER',
  });
  await until('both wait', () => barrier.nWaiting === 2);
  await party.kill();
  expect(await lost).toBe('killed');
  await broken;
  await expect(barrier.wait({ timeout })).rejects.toThrow(BrokenBarrierError);
  await blocked.end();
});

test('D22: sizes and values can be read, and a bounded semaphore keeps its bound', async () => {
  using queue = new Queue<number>();
  using semaphore = new BoundedSemaphore(2);
  const agent = new Agent();
  await agent.call(queue, 'putSync', 1);
  await agent.call(semaphore, 'acquireSync');
  expect([queue.qsize(), semaphore.getValue()]).toEqual([1, 1]);
  await agent.call(semaphore, 'release');
  await expect(agent.call(semaphore, 'release')).rejects.toMatchObject({ code: 'ERR_MULTIPROC_OVER_RELEASE' });
  expect(() => {
    semaphore.release();
  }).toThrow(OverReleaseError);
  expect(semaphore.getValue()).toBe(2);
  await agent.end();
});

test('D41: a lock that is passed, or opened by its name where a module begins, is the same in all processes', async () => {
  using results = new Queue<boolean[]>();
  using lock = new Lock();
  const name = `D41-${process.pid}`;
  using named = new Lock({ name });
  const children = [1, 2, 3].map(() => new Process({ target: tryLocks, args: [lock, name, results] }));
  for (const child of children) child.start();
  const got: boolean[][] = [];
  while (got.length < 3) got.push(await results.get());
  expect(got.map(([passed]) => passed).sort()).toEqual([false, false, true]);
  expect(got.map(([, opened]) => opened).sort()).toEqual([false, false, true]);
  expect(named.locked()).toBe(true);
  for (const child of children) child.kill();
  for (const child of children) await child.join();
});

test('D41: a lock that each process makes for itself where its module begins is said to be one', async () => {
  const module = new URL('../fixtures/own-lock.mjs', import.meta.url).href;
  const child = new Process({ target: { module, name: 'tryOwnLock' }, stdio: ['ignore', 'inherit', 'pipe'] });
  child.start();
  const chunks: Buffer[] = [];
  for await (const chunk of child.stderr ?? []) chunks.push(chunk as Buffer);
  expect(await child.join()).toBe(0);
  const printed = Buffer.concat(chunks).toString();
  expect(printed).toContain('[MULTIPROC_LOCK_OF_EACH_PROCESS] MultiprocWarning');
  expect(printed).toContain(`was made without a name at the top level of ${module}`);
});

test('D42: whatever blocks has an asynchronous form, and the event loop turns while all of them wait', async () => {
  const missing = Object.entries(multiproc).flatMap(([name, exported]) => {
    const prototype = typeof exported === 'function' ? ((exported.prototype as object | undefined) ?? {}) : {};
    return Object.getOwnPropertyNames(prototype)
      .filter((method) => method.endsWith('Sync') && !(method.slice(0, -4) in prototype))
      .map((method) => `${name}.${method}`);
  });
  expect(missing).toEqual([]);
  expect('acquireSync' in Lock.prototype && 'joinSync' in Process.prototype).toBe(true);

  using lock = new Lock();
  using semaphore = new Semaphore(0);
  using event = new Event();
  using barrier = new Barrier(2);
  using queue = new Queue<string>();
  using full = new Queue<string>({ maxsize: 1 });
  using joinable = new JoinableQueue<string>();
  const [ours, theirs] = Pipe<string>();
  const child = new Process({ target: runForEver });
  child.start();
  lock.acquireSync();
  full.putSync('first');
  joinable.putSync('unfinished');
  const waits: Promise<unknown>[] = [
    ...[lock.acquire(), semaphore.acquire(), event.wait(), barrier.wait()],
    ...[queue.get(), full.put('second'), joinable.join(), ours.recv(), child.join(), wait([event])],
  ];
  let ended = 0;
  for (const each of waits) void each.then(() => (ended += 1));
  // It turns, or the test never ends.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toBe(0);
  lock.release();
  semaphore.release();
  event.set();
  queue.putSync('here');
  full.getSync();
  joinable.getSync();
  joinable.taskDone();
  theirs.sendSync('here');
  child.kill();
  await Promise.all([...waits, barrier.wait()]);
  for (const object of [ours, theirs]) object.close();
});

test('D45: no timeout asks the wall clock, that of a semaphore neither', async () => {
  const child = startChild('without-wall-clock.mjs');
  expect(await child.message()).toMatchObject({ semaphore: false, semaphoreSync: false });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});

test('D48: one wait() may wait for more than 61 objects, without a warning', async () => {
  const warnings: Error[] = [];
  const listener = (warning: Error): number => warnings.push(warning);
  process.on('warning', listener);
  const events = Array.from({ length: 100 }, () => new Event());
  const waiting = wait(events);
  // Warnings come a turn later.
  await new Promise((resolve) => setImmediate(resolve));
  events[99]?.set();
  expect(await waiting).toEqual([events[99]]);
  process.off('warning', listener);
  expect(warnings).toEqual([]);
  for (const event of events) event.close();
});

/**
 * What the death or pause of a client, or of the manager, does to others.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  attach,
  type BaseProxy,
  BrokenBarrierError,
  BrokenPipeError,
  Manager,
  type ManagedLock,
  NotFoundError,
  Queue,
  type SyncManager,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { machineNow } from '../support/machine-clock.js';
import { slowness } from '../support/slowness.js';
import { until } from '../support/until.js';

expectNoLeftovers();

/** Milliseconds within which everybody knows of a death. */
const SOON = 3000 * slowness;

function signalTo({ pid }: SyncManager, signal: NodeJS.Signals): void {
  process.kill(pid ?? 0, signal);
}

describe('the manager is killed', () => {
  test('every pending call rejects at once, here and elsewhere, and so does every later one', async () => {
    await using manager = await Manager();
    using queue = await manager.Queue();
    using lock = await manager.Lock();
    using barrier = await manager.Barrier(5);
    const agent = new Agent();
    await agent.call(lock.handle, 'acquire');
    const pending = [queue.get(), lock.acquire(), barrier.wait(), queue.put(1), manager.stats(), queue.get()];
    const there = [agent.call(queue.handle, 'get'), agent.call(barrier.handle, 'wait')];
    await until('they wait', async () => (await barrier.nWaiting()) === 2);
    const begin = machineNow();
    signalTo(manager, 'SIGKILL');
    // Some were answered before.
    const settled = await Promise.allSettled([...pending.slice(1, 3), pending[5]]);
    for (const each of settled) expect(each).toMatchObject({ reason: { code: 'ERR_MULTIPROC_BROKEN_PIPE' } });
    await Promise.all(there.map((each) => expect(each).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_PIPE' })));
    expect(machineNow() - begin).toBeLessThan(SOON);
    await Promise.allSettled(pending);

    await expect(queue.qsize()).rejects.toThrow('Cannot call the manager: it has ended');
    await expect(manager.stats()).rejects.toThrow(BrokenPipeError);
    await expect(manager.list()).rejects.toThrow(BrokenPipeError);
    await expect(agent.call(queue.handle, 'qsize')).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_PIPE' });
    for (let n = 0; n < 2; n++)
      expect(() => (queue as unknown as BaseProxy).callMethodSync('qsize')).toThrow(BrokenPipeError);
    expect(String(lock)).toMatch(/^<LockProxy/);
    await agent.end();
  });

  test('a thread that is blocked in a call is told', async () => {
    await using manager = await Manager();
    using lock = await manager.Lock();
    await lock.acquire();
    const agent = new Agent();
    expect(await agent.call(lock.handle, 'callMethodSync', 'locked')).toBe(true);
    const blocked = agent.call(lock.handle, 'callMethodSync', 'acquire');
    await lock.locked();
    signalTo(manager, 'SIGKILL');
    await expect(blocked).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_PIPE' });
    await agent.end();
  });

  test('before it has let a client in: the client is told, whether it waits or blocks', async () => {
    await using manager = await Manager();
    using lock = await manager.Lock();
    signalTo(manager, 'SIGSTOP');
    const [first, second] = [new Agent(), new Agent()];
    const calls = [first.call(lock.handle, 'locked'), second.call(lock.handle, 'callMethodSync', 'locked')];
    const ends = calls.map((call) => expect(call).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_PIPE' }));
    // Both are alive and have begun when they have answered something else.
    await first.get(lock.handle, 'closed');
    signalTo(manager, 'SIGKILL');
    await Promise.all(ends);
    await first.end();
    await second.end();
  });

  test('a new manager has nothing to do with the old one', async () => {
    const old = await Manager();
    const list = await old.list([1]);
    signalTo(old, 'SIGKILL');
    await old.join();
    await using manager = await Manager();
    using other = await manager.list([2]);
    await expect(list.value()).rejects.toThrow(BrokenPipeError);
    expect(await other.value()).toEqual([2]);
    const { handle } = list;
    list.close();
    await old.shutdown();
    expect(() => attach(handle)).toThrow(NotFoundError);
  });
});

test('shutdown() ends pending calls', async () => {
  const manager = await Manager();
  using queue = await manager.Queue();
  const getting = expect(queue.get()).rejects.toThrow(BrokenPipeError);
  await queue.qsize();
  const begin = machineNow();
  await manager.shutdown();
  await getting;
  expect(machineNow() - begin).toBeLessThan(900 * slowness);
});

test('a stopped manager is not dead: calls go on when it does', async () => {
  await using manager = await Manager();
  using list = await manager.list([1]);
  using queue = await manager.Queue();
  expect(String(list)).toBe('[ 1 ]');
  signalTo(manager, 'SIGSTOP');
  let settled = 0;
  const calls = [list.append(2), list.length(), queue.get({ timeout: 5 }).catch((error: unknown) => String(error))];
  for (const call of calls) void call.then(() => (settled += 1));
  // What is shown is waited for, once; how often it is asked for then costs little.
  const begin = machineNow();
  for (let n = 0; n < 10; n++) expect(String(list)).toBe('[ 1 ]');
  expect(machineNow() - begin).toBeLessThan(2 * 2000);
  expect(settled).toBe(0);
  signalTo(manager, 'SIGCONT');
  expect(await Promise.all(calls)).toEqual([undefined, 2, expect.stringContaining('it is empty')]);
  await until('the manager owes no answer', () => String(list) === '[ 1, 2 ]');
});

test('shutdown() ends a stopped manager, too', async () => {
  const manager = await Manager();
  using list = await manager.list();
  signalTo(manager, 'SIGSTOP');
  await manager.shutdown();
  await expect(list.length()).rejects.toThrow(BrokenPipeError);
});

describe('a client is killed', () => {
  test.each(['Lock', 'RLock', 'Condition'] as const)('%s: the next one has it, and is told', async (kind) => {
    await using manager = await Manager();
    using lock: ManagedLock = await manager[kind]();
    const agent = new Agent();
    for (let depth = 0; depth < (kind === 'Lock' ? 1 : 3); depth++) await agent.call(lock.handle, 'acquire');
    const waiting = lock.hold();
    expect(await lock.locked()).toBe(true);
    const begin = machineNow();
    await agent.kill();
    const hold = await waiting;
    expect(machineNow() - begin).toBeLessThan(SOON);
    expect(hold.ownerDied).toBe(true);
    await hold.release();
    const next = await lock.hold();
    expect(next.ownerDied).toBe(false);
    await next.release();
  });

  test('who waits for a lock is left out', async () => {
    await using manager = await Manager();
    using lock = await manager.Lock();
    await lock.acquire();
    const agent = new Agent();
    const dead = agent.call(lock.handle, 'acquire').catch(() => 'killed');
    await until('it waits', async () => (await manager.stats()).clients === 2);
    const next = lock.acquire();
    await agent.kill();
    expect(await dead).toBe('killed');
    await until('the manager knows', async () => (await manager.stats()).clients === 1);
    await lock.release();
    expect(await next).toBe(true);
  });

  test('permits come back, but none that another one gave back already', async () => {
    await using manager = await Manager();
    using semaphore = await manager.Semaphore(3);
    const agent = new Agent();
    for (let n = 0; n < 3; n++) await agent.call(semaphore.handle, 'acquire');
    const waiting = semaphore.acquire();
    await agent.kill();
    expect(await waiting).toBe(true);
    expect(await semaphore.getValue()).toBe(2);
    await semaphore.release();

    // As a signal: one acquires what the other releases.
    using signals = await manager.Semaphore(0);
    const consumer = new Agent();
    for (let n = 0; n < 10; n++) {
      await signals.release();
      await consumer.call(signals.handle, 'acquire');
    }
    await signals.release();
    await consumer.kill();
    await until('the manager knows', async () => (await manager.stats()).clients === 1);
    expect(await signals.getValue()).toBe(1);
  });

  test('who waits for a condition takes no notification, nor the lock', async () => {
    await using manager = await Manager();
    using condition = await manager.Condition();
    const agent = new Agent();
    await agent.call(condition.handle, 'acquire');
    const dead = agent.call(condition.handle, 'wait').catch(() => 'killed');
    const mine = condition.run(() => condition.wait());
    await until('both wait', () => String(condition).includes('waiters=2'));
    await agent.kill();
    await dead;
    await until('one is left', () => String(condition).includes('waiters=1'));
    await condition.run(() => condition.notify());
    expect(await mine).toBe(true);
    expect(await condition.locked()).toBe(false);
  });

  test('a barrier that it waits for breaks', async () => {
    await using manager = await Manager();
    using barrier = await manager.Barrier(3);
    const agent = new Agent();
    const dead = agent.call(barrier.handle, 'wait').catch(() => 'killed');
    const mine = expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
    await until('both wait', async () => (await barrier.nWaiting()) === 2);
    await agent.kill();
    await mine;
    await dead;
  });

  test('jobs that it took are taken by others, first and in order', async () => {
    await using manager = await Manager();
    using queue = await manager.JoinableQueue<string>();
    await queue.putMany(['a', 'b', 'c']);
    const agent = new Agent();
    await agent.call(queue.handle, 'take');
    await agent.call(queue.handle, 'take');
    await agent.kill();
    await until('they are back', async () => (await queue.qsize()) === 3);
    for (const [value, attempts] of [
      ['a', 2],
      ['b', 2],
      ['c', 1],
    ]) {
      const job = await queue.take();
      expect([job.value, job.attempts]).toEqual([value, attempts]);
      await job.done();
    }
    expect(await queue.join({ timeout: 0 })).toBe(true);
  });

  test('objects that only it used go, and so do those in a message that nobody can read', async () => {
    await using manager = await Manager();
    const list = await manager.list([1]);
    const queue = new Queue();
    const agent = new Agent();
    await agent.call(list.handle, 'length');
    queue.putSync(list);
    list.close();
    expect((await manager.stats()).objects).toBe(1);
    await agent.kill();
    // The message keeps it, until its queue goes.
    expect((await manager.stats()).objects).toBe(1);
    queue.close();
    await until('the object is gone', async () => (await manager.stats()).objects === 0);
  });

  test('at any moment: its lock is handed on, and what it counted adds up', async () => {
    await using manager = await Manager();
    using lock = await manager.Lock();
    using counter = await manager.Value('i', 0);
    using ledger = await manager.list<number>();
    for (let round = 0; round < 6; round++) {
      const agent = new Agent();
      // One after the other without a pause, so that it is killed between any two of them.
      const busy = (async (): Promise<void> => {
        for (;;) {
          const calls = [
            agent.call(lock.handle, 'acquire'),
            agent.call(counter.handle, 'add', 1),
            agent.call(ledger.handle, 'append', round),
            agent.call(lock.handle, 'release'),
          ];
          for (const call of calls) call.catch(() => undefined);
          await Promise.all(calls);
        }
      })().catch(() => 'killed');
      const before = await counter.get();
      await until('it counts', async () => (await counter.get()) > before + round);
      await agent.kill();
      expect(await busy).toBe('killed');
      const hold = await lock.hold({ timeout: SOON });
      // Done in order: at most the last entry was not made.
      expect((await counter.get()) - (await ledger.length())).toBeLessThanOrEqual(round + 1);
      await hold.release();
    }
    await until('nobody else is connected', async () => (await manager.stats()).clients === 1);
  });
});

test('a stopped client with answers that it does not read blocks nobody, and has them when it goes on', async () => {
  await using manager = await Manager();
  using list = await manager.list(['x'.repeat(200_000)]);
  using queue = await manager.Queue<string>();
  const agent = new Agent();
  await agent.call(list.handle, 'length');
  const answers = Array.from({ length: 50 }, () => agent.call<string[]>(queue.handle, 'get'));
  await until('it waits for them', async () => (await manager.stats()).calls > 50);
  agent.child.kill('SIGSTOP');
  for (let n = 0; n < 50; n++) await queue.put(`${n}`.padEnd(100_000, 'y'));
  expect((await list.at(0))?.length).toBe(200_000);
  agent.child.kill('SIGCONT');
  const got = (await Promise.all(answers)).map((text) => Number((text as unknown as string).replace(/y+$/, '')));
  expect(got).toEqual(Array.from({ length: 50 }, (_, n) => n));
  await agent.end();
});

test('worker threads are clients of their own, and what they held is free when they are terminated', async () => {
  await using manager = await Manager();
  using lock = await manager.Lock();
  using rlock = await manager.RLock();
  await rlock.acquire();
  const worker = new Worker(new URL('../fixtures/hold-managed.mjs', import.meta.url), {
    workerData: { lock: lock.handle, rlock: rlock.handle },
  });
  const [took] = (await once(worker, 'message')) as [boolean];
  // Another thread is another owner.
  expect(took).toBe(false);
  expect(await lock.locked()).toBe(true);
  const waiting = lock.hold();
  await worker.terminate();
  const hold = await waiting;
  expect(hold.ownerDied).toBe(true);
  await hold.release();
  await rlock.release();
});

/**
 * Locks, semaphores, conditions, events and barriers of a manager.
 */
import {
  attach,
  BrokenBarrierError,
  Manager,
  type ManagedCondition,
  type ManagedLock,
  OverReleaseError,
  OwnerError,
  Process,
  StateError,
  type SyncManager,
  TimeoutError,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countInFlows } from '../fixtures/manager-tasks.mjs';
import { Agent } from '../support/agent.js';
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

/** The error of a call in the agent. */
function failure(object: { readonly handle: string }, method: string, ...args: never[]): Promise<unknown> {
  return agent.call(object.handle, method, ...args).then(
    () => 'no failure',
    (error: unknown) => (error as { readonly code: string }).code,
  );
}

test('one object is used by several flows of four processes at once, and no step is lost', async () => {
  using lock = await manager.Lock();
  using plain = await manager.Value('i', 0);
  using exact = await manager.Value('i', 0);
  using ledger = await manager.list<string>();
  using seen = await manager.dict<string, number>();
  const [processes, flows, rounds] = [4, 5, 20];
  const names = Array.from({ length: processes }, (_, index) => `p${index}`);
  const children = names.map(
    (name) =>
      new Process({ target: countInFlows, args: [{ lock, plain, exact, ledger, seen }, name, flows, rounds] as never }),
  );
  for (const child of children) child.start();
  for (const child of children) expect(await child.join()).toBe(0);
  const total = processes * flows * rounds;
  expect([await plain.get(), await exact.get()]).toEqual([total, total]);
  const entries = await ledger.value();
  expect(new Set(entries).size).toBe(total);
  expect(entries.length).toBe(total);
  // Each flow's entries are in its order.
  for (const name of names) {
    for (let flow = 0; flow < flows; flow++) {
      const own = entries.filter((entry) => entry.startsWith(`${name}.${flow}.`));
      expect(own.map((entry) => Number(entry.split('.')[2]))).toEqual(Array.from({ length: rounds }, (_, n) => n));
    }
  }
  expect(await seen.size()).toBe(processes * flows);
  expect(new Set(await seen.values())).toEqual(new Set([rounds - 1]));
});

describe('Lock', () => {
  test('excludes, may be released by anybody, and says so when it is free', async () => {
    using lock = await manager.Lock();
    expect(await lock.acquire()).toBe(true);
    expect([await lock.acquire({ timeout: 0 }), await lock.acquire({ timeout: 20 })]).toEqual([false, false]);
    await expect(lock.hold({ timeout: 1 })).rejects.toThrow(TimeoutError);
    expect(String(lock)).toBe(`<locked, owner=${process.pid}>`);
    expect(await agent.call(lock.handle, 'locked')).toBe(true);
    await agent.call(lock.handle, 'release');
    expect(await lock.locked()).toBe(false);
    await expect(lock.release()).rejects.toThrow(OverReleaseError);
    await expect(lock.acquire(5 as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(lock.acquire({ timeout: 'x' as never })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
  });

  test('serves those who wait in order', async () => {
    using lock = await manager.Lock();
    const order: number[] = [];
    await lock.acquire();
    const flows = [1, 2, 3].map((n) => lock.run(() => void order.push(n)));
    await lock.release();
    await Promise.all(flows);
    expect(order).toEqual([1, 2, 3]);
  });

  test('run() gives it back after an error, a hold when it is disposed of', async () => {
    using lock = await manager.Lock();
    await expect(lock.run(() => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
    expect(await lock.locked()).toBe(false);
    {
      await using hold = await lock.hold();
      expect(hold.ownerDied).toBe(false);
      expect(await lock.locked()).toBe(true);
    }
    expect(await lock.locked()).toBe(false);
  });
});

describe('RLock', () => {
  test('is taken again by its owner and released by nobody else', async () => {
    using lock = await manager.RLock();
    expect([await lock.acquire(), await lock.acquire({ timeout: 0 })]).toEqual([true, true]);
    expect(await failure(lock, 'release')).toBe('ERR_MULTIPROC_OWNER');
    expect(await agent.call(lock.handle, 'acquire', { timeout: 0 })).toBe(false);
    await lock.release();
    expect(await lock.locked()).toBe(true);
    await lock.release();
    expect(await lock.locked()).toBe(false);
    await expect(lock.release()).rejects.toThrow(OverReleaseError);
  });
});

describe('Semaphore', () => {
  test('counts permits', async () => {
    using semaphore = await manager.Semaphore(2);
    expect([await semaphore.acquire(), await semaphore.acquire()]).toEqual([true, true]);
    expect([await semaphore.acquire({ timeout: 0 }), await semaphore.acquire({ timeout: 10 })]).toEqual([false, false]);
    const waiting = semaphore.acquire();
    await agent.call(semaphore.handle, 'release');
    expect(await waiting).toBe(true);
    await semaphore.release(5);
    expect(await semaphore.getValue()).toBe(5);
    expect(await semaphore.run(() => semaphore.getValue())).toBe(4);
    expect(String(semaphore)).toBe('<semaphore, value=5>');
    for (const n of [0, -1, 1.5, 'x', 2 ** 40])
      await expect(semaphore.release(n as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    for (const n of [-1, 1.5, 'x']) await expect(manager.Semaphore(n as never)).rejects.toThrow(RangeError);
    using none = await manager.Semaphore(0);
    await expect(none.run(() => 1, { timeout: 5 })).rejects.toThrow(TimeoutError);
  });

  test('bounded: refuses what was not acquired', async () => {
    using semaphore = await manager.BoundedSemaphore(1);
    await expect(semaphore.release()).rejects.toThrow(OverReleaseError);
    await semaphore.acquire();
    await expect(semaphore.release(2)).rejects.toThrow(OverReleaseError);
    await semaphore.release();
    expect(await semaphore.getValue()).toBe(1);
  });
});

describe('Condition', () => {
  test('is used with its lock only', async () => {
    using condition = await manager.Condition();
    await expect(condition.wait()).rejects.toThrow(OwnerError);
    await expect(condition.notify()).rejects.toThrow(OwnerError);
    await expect(condition.notifyAll()).rejects.toThrow(OwnerError);
    await condition.acquire();
    expect(await failure(condition, 'notify')).toBe('ERR_MULTIPROC_OWNER');
    await condition.release();
  });

  test('wakes as many as it is told, the first first, each with the lock', async () => {
    using lock = await manager.Lock();
    using condition = await manager.Condition(lock);
    const log: string[] = [];
    const waiters = [1, 2, 3].map((n) =>
      condition.run(async () => {
        log.push(`wait ${n}`);
        expect(await condition.wait()).toBe(true);
        expect(await lock.locked()).toBe(true);
        log.push(`woken ${n}`);
      }),
    );
    await until('all wait', () => String(condition).includes('waiters=3'));
    await condition.run(() => condition.notify());
    await waiters[0];
    expect(log).toEqual(['wait 1', 'wait 2', 'wait 3', 'woken 1']);
    await condition.run(() => condition.notifyAll());
    await Promise.all(waiters);
    expect(log.slice(4)).toEqual(['woken 2', 'woken 3']);
    expect(await lock.locked()).toBe(false);
  });

  test('a wait whose time is over has its lock again', async () => {
    using condition = await manager.Condition();
    await condition.acquire();
    await condition.acquire();
    expect([await condition.wait({ timeout: 10 }), await condition.wait({ timeout: 0 })]).toEqual([false, false]);
    expect(await agent.call(condition.handle, 'acquire', { timeout: 0 })).toBe(false);
    await condition.release();
    await condition.release();
    await expect(condition.release()).rejects.toThrow(OverReleaseError);
  });

  test('waitFor() looks again whenever it is woken', async () => {
    using condition = await manager.Condition();
    using value = await manager.Value('i', 0);
    const waiting = condition.run(() => condition.waitFor(async () => (await value.get()) === 2));
    for (let n = 0; n < 2; n++) {
      await until('it waits', () => String(condition).includes('waiters=1'));
      await condition.run(async () => {
        await value.add(1);
        await condition.notify();
      });
    }
    expect(await waiting).toBe(true);
    expect(await condition.run(() => condition.waitFor(() => false, { timeout: 20 }))).toBe(false);
  });

  test('a notification without anybody who waits is not kept', async () => {
    using condition = await manager.Condition();
    await condition.acquire();
    await condition.notify(5);
    expect(await condition.wait({ timeout: 10 })).toBe(false);
    await condition.release();
  });

  test('takes no lock but one of its manager', async () => {
    using event = await manager.Event();
    await expect(manager.Condition(event as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(manager.Condition(5 as never)).rejects.toThrow(StateError);
    // Of two managers, with the same number in both.
    await using one = await Manager();
    await using other = await Manager();
    using own = await one.Lock();
    using foreign = await other.Lock();
    await expect(one.Condition(foreign)).rejects.toThrow(StateError);
    (await one.Condition(own)).close();
  });
});

describe('Event', () => {
  test('is set, waited for and cleared', async () => {
    using event = await manager.Event();
    expect([await event.isSet(), await event.wait({ timeout: 0 }), await event.wait({ timeout: 10 })]).toEqual([
      false,
      false,
      false,
    ]);
    const waits = [event.wait(), agent.call(event.handle, 'wait')];
    await event.set();
    // Whoever waited has seen it.
    await event.clear();
    expect(await waits[0]).toBe(true);
    expect(await event.isSet()).toBe(false);
    await event.set();
    expect(await Promise.all(waits)).toEqual([true, true]);
    expect(await event.wait({ timeout: 0 })).toBe(true);
    expect(String(event)).toBe('<set>');
  });
});

describe('Barrier', () => {
  test('lets its parties go together, each with its place, again and again', async () => {
    using barrier = await manager.Barrier(3);
    expect([await barrier.parties(), await barrier.nWaiting(), await barrier.broken()]).toEqual([3, 0, false]);
    for (let round = 0; round < 3; round++) {
      const waits = [barrier.wait(), barrier.wait(), agent.call<number>(barrier.handle, 'wait')];
      expect((await Promise.all(waits)).sort()).toEqual([0, 1, 2]);
    }
  });

  test('is broken by who does not wait any longer, by abort and reset', async () => {
    using barrier = await manager.Barrier(2);
    const waiting = barrier.wait();
    await expect(barrier.wait({ timeout: 0 }).then((place) => [place, 'both came'])).resolves.toEqual([0, 'both came']);
    expect(await waiting).toBe(1);
    await expect(barrier.wait({ timeout: 5 })).rejects.toThrow(BrokenBarrierError);
    expect(await barrier.broken()).toBe(true);
    await expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
    await barrier.reset();
    const hopeful = barrier.wait();
    await barrier.abort();
    await expect(hopeful).rejects.toThrow(BrokenBarrierError);
    await barrier.reset();
    expect(await barrier.broken()).toBe(false);
    using timed = await manager.Barrier(2, { timeout: 5 });
    await expect(timed.wait()).rejects.toThrow(BrokenBarrierError);
    for (const parties of [0, -1, 1.5, 'x', undefined])
      await expect(manager.Barrier(parties as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
  });

  test('an abort of one breaks it for the others', async () => {
    using barrier = await manager.Barrier(3);
    const controller = new AbortController();
    const mine = barrier.wait({ signal: controller.signal });
    const other = failure(barrier, 'wait');
    await until('both wait', async () => (await barrier.nWaiting()) === 2);
    controller.abort(new Error('enough'));
    await expect(mine).rejects.toThrow('enough');
    expect(await other).toBe('ERR_MULTIPROC_BROKEN_BARRIER');
  });
});

describe('an abort has taken nothing', () => {
  const kinds: Record<string, () => Promise<[ManagedLock, () => Promise<unknown>]>> = {
    Lock: async () => {
      const lock = await manager.Lock();
      return [lock, () => lock.locked()];
    },
    RLock: async () => {
      const lock = await manager.RLock();
      return [lock, () => lock.locked()];
    },
    Condition: async () => {
      const condition = await manager.Condition();
      return [condition, () => condition.locked()];
    },
  };

  test.each(Object.keys(kinds))('%s', async (kind) => {
    const made = await kinds[kind]?.();
    if (made === undefined) throw new Error('no such kind');
    const [lock, isLocked] = made;
    await agent.call(lock.handle, 'acquire');
    const controller = new AbortController();
    const waits = [lock.acquire({ signal: controller.signal }), lock.hold({ signal: controller.signal })];
    const next = lock.acquire();
    controller.abort(new Error('changed my mind'));
    await Promise.all(waits.map((wait) => expect(wait).rejects.toThrow('changed my mind')));
    await expect(lock.acquire({ signal: controller.signal })).rejects.toThrow('changed my mind');
    await agent.call(lock.handle, 'release');
    expect(await next).toBe(true);
    await lock.release();
    expect(await isLocked()).toBe(false);
    lock.close();
  });

  test('Semaphore, Event, and a Condition that has its lock again', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    using semaphore = await manager.Semaphore(0);
    using event = await manager.Event();
    using condition: ManagedCondition = await manager.Condition();
    await condition.acquire();
    const waits = [semaphore.acquire({ signal }), event.wait({ signal }), condition.wait({ signal })];
    await until('it waits', () => String(condition).includes('waiters=1'));
    controller.abort(new Error('enough'));
    await Promise.all(waits.map((wait) => expect(wait).rejects.toThrow('enough')));
    await semaphore.release();
    expect(await semaphore.getValue()).toBe(1);
    await condition.release();
  });

  test('whether it comes before or after the answer, lock and promise agree', async () => {
    using lock = await manager.Lock();
    for (let n = 0; n < 300; n++) {
      const controller = new AbortController();
      const wait = lock.acquire({ signal: controller.signal });
      // From at once to long after.
      for (let turns = n % 30; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      const isMine = await wait.catch(() => false);
      expect(await lock.locked()).toBe(isMine);
      if (isMine) await lock.release();
    }
  });
});

test('close() calls off what waits; what was done after all is not lost', async () => {
  using lock = await manager.Lock();
  using semaphore = await manager.Semaphore(3);
  await agent.call(lock.handle, 'acquire');
  const again = attach(lock.handle) as unknown as ManagedLock;
  const waiting = again.acquire();
  again.close();
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_MULTIPROC_CLOSED' });
  await agent.call(lock.handle, 'release');
  expect(await lock.locked()).toBe(false);
  for (let n = 0; n < 3; n++) {
    const third = attach(semaphore.handle) as unknown as typeof semaphore;
    const acquired = third.acquire();
    for (let turns = n; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    third.close();
    expect(await acquired).toBe(true);
    expect(await semaphore.getValue()).toBe(2 - n);
  }
});

import { attach, ClosedError, Condition, Lock, OwnerError, RLock, Semaphore, StateError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

describe.each([
  ['a Lock', () => new Lock()],
  ['an RLock', () => new RLock()],
])('Condition with %s', (_name, makeLock) => {
  test('wait() gives the lock up and has it back when notified', async () => {
    using lock = makeLock();
    using condition = new Condition(lock);
    await condition.acquire();
    const waiting = condition.wait();
    expect(lock.locked()).toBe(false);
    await condition.acquire();
    condition.notify();
    condition.release();
    expect(await waiting).toBe(true);
    expect(lock.locked()).toBe(true);
    condition.release();
    expect(lock.locked()).toBe(false);
  });

  test('wait() inside run() gives the lock up for other tasks', async () => {
    using lock = makeLock();
    using condition = new Condition(lock);
    const order: string[] = [];
    const waiter = condition.run(async (hold) => {
      order.push('wait');
      expect(await condition.wait()).toBe(true);
      order.push('woken');
      expect(hold.held).toBe(true);
      await new Promise(setImmediate);
      order.push('done');
    });
    await until('it waits', () => condition.toString().endsWith(', 1)>'));
    const notifier = condition.run(() => {
      order.push('notify');
      condition.notify();
    });
    const outsider = condition.run(() => {
      order.push('outsider');
    });
    await Promise.all([waiter, notifier, outsider]);
    // The outsider may come before or after, but never between being woken and being done.
    expect(order.indexOf('done') - order.indexOf('woken')).toBe(1);
    expect(order.slice(0, 2)).toEqual(['wait', 'notify']);
    expect(lock.locked()).toBe(false);
  });

  test('wait() returns false, holding the lock, when the time is over', async () => {
    using lock = makeLock();
    using condition = new Condition({ lock });
    condition.acquireSync();
    const before = performance.now();
    expect(await condition.wait({ timeout: 20 })).toBe(false);
    expect(condition.waitSync({ timeout: 20 })).toBe(false);
    expect(performance.now() - before).toBeGreaterThanOrEqual(40);
    expect(condition.waitSync({ timeout: 0 })).toBe(false);
    expect(lock.locked()).toBe(true);
    condition.release();
    expect(condition.toString().endsWith(', 0)>')).toBe(true);
  });

  test('an aborted wait() holds the lock again when it rejects', async () => {
    using lock = makeLock();
    using condition = new Condition(lock);
    const controller = new AbortController();
    condition.acquireSync();
    const waiting = condition.wait({ signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    expect(lock.locked()).toBe(true);
    condition.release();
    expect(condition.toString().endsWith(', 0)>')).toBe(true);
  });

  test('needs the lock', async () => {
    using lock = makeLock();
    using condition = new Condition(lock);
    await expect(condition.wait()).rejects.toThrow(OwnerError);
    await expect(condition.waitFor(() => true)).rejects.toThrow(OwnerError);
    expect(() => condition.waitSync()).toThrow(OwnerError);
    expect(() => {
      condition.notify();
    }).toThrow(OwnerError);
    expect(() => {
      condition.notifyAll();
    }).toThrow(OwnerError);
    const agent = new Agent();
    await agent.call(lock, 'acquireSync');
    expect(() => {
      condition.notify();
    }).toThrow(OwnerError);
    await agent.call(lock, 'release');
    await agent.end();
  });

  test('notify(n) wakes n of the processes that wait, notifyAll() all', async () => {
    using lock = makeLock();
    using condition = new Condition(lock);
    using woken = new Semaphore(0);
    const agents = [new Agent(), new Agent(), new Agent()];
    const waits = agents.map(async (agent, index) => {
      await agent.call(condition, 'acquireSync');
      expect(await agent.call(condition, index === 0 ? 'wait' : 'waitSync')).toBe(true);
      woken.release();
      await agent.call(condition, 'release');
    });
    await until('all wait', () => condition.toString().endsWith(', 3)>'));
    condition.runSync(() => {
      condition.notify(2);
    });
    expect(await woken.acquire()).toBe(true);
    expect(await woken.acquire()).toBe(true);
    expect(condition.toString().endsWith(', 1)>')).toBe(true);
    expect(woken.getValue()).toBe(0);
    await condition.run(() => {
      condition.notifyAll();
    });
    await Promise.all(waits);
    expect(lock.locked()).toBe(false);
    await Promise.all(agents.map((agent) => agent.end()));
  });

  test('notify() is not blocked by a waiter that was killed, and wakes the living one', async () => {
    using lock = makeLock();
    using condition = new Condition(lock);
    const [dying, living] = [new Agent(), new Agent()] as const;
    await dying.call(condition, 'acquireSync');
    const lost = dying.call(condition, 'waitSync').catch(() => 'killed');
    await until('one waits', () => condition.toString().endsWith(', 1)>'));
    await living.call(condition, 'acquireSync');
    const waiting = living.call(condition, 'waitSync');
    await until('both wait', () => condition.toString().endsWith(', 2)>'));
    await dying.kill();
    expect(await lost).toBe('killed');
    condition.runSync(() => {
      condition.notify(2);
    });
    expect(await waiting).toBe(true);
    await living.call(condition, 'release');
    await living.end();
  });
});

test('Condition restores the depth of its RLock', async () => {
  using condition = new Condition();
  condition.acquireSync();
  condition.acquireSync();
  const waiting = condition.wait();
  expect(condition.locked()).toBe(false);
  await condition.run(() => {
    condition.notifyAll();
  });
  expect(await waiting).toBe(true);
  expect(condition.toString()).toBe('<Condition(<RLock(MainProcess, 2)>, 0)>');
  condition.release();
  expect(condition.waitSync({ timeout: 1 })).toBe(false);
  condition.release();
  expect(condition.locked()).toBe(false);
});

test('Condition.waitFor() gives the last value of its predicate', async () => {
  using condition = new Condition();
  let state = 0;
  const waiting = condition.run(() => condition.waitFor(() => (state >= 3 ? `state ${state}` : '')));
  for (let step = 0; step < 3; step += 1) {
    await condition.run(() => {
      state += 1;
      condition.notify();
    });
  }
  expect(await waiting).toBe('state 3');
  await condition.run(async () => {
    expect(await condition.waitFor(() => false, { timeout: 10 })).toBe(false);
    expect(condition.waitForSync(() => state)).toBe(3);
    expect(condition.waitForSync(() => 0, { timeout: 10 })).toBe(0);
    expect(() => condition.waitForSync(() => Promise.resolve(true))).toThrow(StateError);
    await expect(
      condition.waitFor(() => {
        throw new Error('on purpose');
      }),
    ).rejects.toThrow('on purpose');
  });
  expect(condition.locked()).toBe(false);
});

test('Condition.notify() checks its number', () => {
  using condition = new Condition();
  condition.acquireSync();
  expect(() => {
    condition.notify(0);
  }).toThrow(RangeError);
  expect(() => {
    condition.notify('1' as never);
  }).toThrow(TypeError);
  condition.notify();
  condition.release();
});

test('Condition refuses what is no lock', () => {
  using semaphore = new Semaphore();
  const closed = new Lock();
  closed.close();
  expect(() => new Condition({ lock: semaphore as never })).toThrow(TypeError);
  expect(() => new Condition(closed)).toThrow(ClosedError);
});

test('Condition keeps working when the lock it was given is closed', async () => {
  const lock = new Lock();
  using condition = new Condition(lock);
  const agent = new Agent();
  lock.close();
  expect(await agent.call(condition, 'acquireSync')).toBe(true);
  expect(condition.locked()).toBe(true);
  await agent.call(condition, 'release');
  condition.acquireSync();
  condition.release();
  await agent.end();
});

test('Condition.close() ends a wait, and the lock is held when it does', async () => {
  using lock = new Lock();
  const condition = new Condition(lock);
  lock.acquireSync();
  const waiting = condition.wait();
  condition.close();
  await expect(waiting).rejects.toThrow(ClosedError);
  expect(lock.locked()).toBe(true);
  lock.release();
  await expect(condition.wait()).rejects.toThrow(ClosedError);
  await expect(condition.acquire()).rejects.toThrow(ClosedError);
  expect(() => condition.acquireSync()).toThrow(ClosedError);
  expect(() => {
    condition.notify();
  }).toThrow(ClosedError);
  expect(condition.toString()).toBe('<Condition closed>');
});

test('Condition.close() ends what waits for the lock through it, and nothing else', async () => {
  using lock = new Lock();
  const condition = new Condition(lock);
  using other = attach<Condition>(condition);
  lock.acquireSync();
  const ended = [condition.acquire(), condition.hold(), condition.run(() => undefined)];
  const elsewhere = [lock.acquire(), other.acquire()];
  condition.close();
  for (const waiting of ended) await expect(waiting).rejects.toThrow(ClosedError);
  for (const waiting of elsewhere) {
    lock.release();
    expect(await waiting).toBe(true);
  }
  lock.release();
});

test('Condition by name brings its lock along', () => {
  const name = `condition-${process.pid}`;
  using condition = new Condition({ name });
  using opened = Condition.open(name);
  using attached = attach<Condition>(condition);
  opened.acquireSync();
  expect(condition.locked()).toBe(true);
  attached.release();
  expect(condition.locked()).toBe(false);
});

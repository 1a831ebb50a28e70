import { inspect } from 'node:util';
import {
  attach,
  BoundedSemaphore,
  ClosedError,
  Condition,
  DeadlockError,
  ExistsError,
  Lock,
  NotFoundError,
  OverReleaseError,
  OwnerError,
  RLock,
  Semaphore,
  StateError,
  TimeoutError,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

describe('Lock in one process', () => {
  test('acquireSync() takes a free lock, release() frees it', () => {
    using lock = new Lock();
    expect(lock.locked()).toBe(false);
    expect(lock.acquireSync()).toBe(true);
    expect(lock.locked()).toBe(true);
    expect(lock.acquireSync({ timeout: 0 })).toBe(false);
    expect(lock.acquireSync({ timeout: -5 })).toBe(false);
    lock.release();
    expect(lock.locked()).toBe(false);
  });

  test('acquire() resolves to true when it got the lock, to false when the time was over', async () => {
    using lock = new Lock();
    expect(await lock.acquire()).toBe(true);
    expect(await lock.acquire({ timeout: 0 })).toBe(false);
    const before = performance.now();
    expect(await lock.acquire({ timeout: 30 })).toBe(false);
    expect(performance.now() - before).toBeGreaterThanOrEqual(30);
    lock.release();
  });

  test('acquireSync() blocks for its timeout', () => {
    using lock = new Lock();
    lock.acquireSync();
    const before = performance.now();
    expect(lock.acquireSync({ timeout: 300 })).toBe(false);
    expect(performance.now() - before).toBeGreaterThanOrEqual(300);
    lock.release();
  });

  test('acquire() serves the tasks of one process in order', async () => {
    using lock = new Lock();
    await lock.acquire();
    const order: number[] = [];
    const tasks = [1, 2, 3, 4, 5].map(async (number) => {
      await lock.acquire();
      order.push(number);
      lock.release();
    });
    lock.release();
    await Promise.all(tasks);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('run() keeps the tasks of one process apart', async () => {
    using lock = new Lock();
    let inside = 0;
    await Promise.all(
      Array.from({ length: 20 }, () =>
        lock.run(async () => {
          inside += 1;
          expect(inside).toBe(1);
          await new Promise(setImmediate);
          inside -= 1;
        }),
      ),
    );
    expect(lock.locked()).toBe(false);
  });

  test('run() gives the result of its callback and releases when it fails', async () => {
    using lock = new Lock();
    expect(await lock.run(() => 42)).toBe(42);
    expect(lock.runSync(() => 43)).toBe(43);
    const failure = new Error('on purpose');
    await expect(lock.run(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(() =>
      lock.runSync(() => {
        throw failure;
      }),
    ).toThrow(failure);
    expect(lock.locked()).toBe(false);
  });

  test('runSync() refuses an asynchronous callback', () => {
    using lock = new Lock();
    expect(() => lock.runSync(() => Promise.resolve(1))).toThrow(StateError);
    expect(lock.locked()).toBe(false);
  });

  test('release() of a free lock is an error', () => {
    using lock = new Lock();
    expect(() => {
      lock.release();
    }).toThrow(OverReleaseError);
    lock.acquireSync();
    lock.release();
    expect(() => {
      lock.release();
    }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_OVER_RELEASE' }));
  });

  test('release() cannot free what hold() took', async () => {
    using lock = new Lock();
    const hold = await lock.hold();
    expect(hold.ownerDied).toBe(false);
    expect(() => {
      lock.release();
    }).toThrow(OwnerError);
    expect(lock.locked()).toBe(true);
    hold.release();
    hold.release();
    expect(hold.held).toBe(false);
    expect(lock.locked()).toBe(false);
  });

  test('holdSync() is a disposable', () => {
    using lock = new Lock();
    {
      using hold = lock.holdSync();
      expect(hold.held).toBe(true);
      expect(lock.locked()).toBe(true);
    }
    expect(lock.locked()).toBe(false);
  });

  test('hold() rejects with TimeoutError when the time is over', async () => {
    using lock = new Lock();
    lock.acquireSync();
    await expect(lock.hold({ timeout: 0 })).rejects.toThrow(TimeoutError);
    await expect(lock.run(() => 1, { timeout: 5 })).rejects.toThrow(TimeoutError);
    expect(() => lock.holdSync({ timeout: 0 })).toThrow(TimeoutError);
    lock.release();
  });

  test('acquireSync() finds that it would wait for itself', () => {
    using lock = new Lock();
    using hold = lock.holdSync();
    expect(hold.held).toBe(true);
    expect(() => lock.acquireSync()).toThrow(DeadlockError);
    expect(() => lock.holdSync()).toThrow(DeadlockError);
    expect(lock.acquireSync({ timeout: 1 })).toBe(false);
  });

  test('a hold stays valid when the lock object it came from is closed', () => {
    using lock = new Lock();
    const other = attach<Lock>(lock);
    const hold = other.holdSync();
    other.close();
    expect(lock.locked()).toBe(true);
    hold.release();
    expect(lock.locked()).toBe(false);
  });

  test('an abort takes the wait out of the line and consumes nothing', async () => {
    using lock = new Lock();
    await lock.acquire();
    const controller = new AbortController();
    const aborted = lock.acquire({ signal: controller.signal });
    const next = lock.acquire();
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    lock.release();
    expect(await next).toBe(true);
    lock.release();
    await expect(lock.acquire({ signal: controller.signal })).rejects.toBe(reason);
    expect(() => lock.acquireSync({ signal: controller.signal })).toThrow(reason);
    expect(lock.locked()).toBe(false);
  });

  test.each([
    ['a text as timeout', { timeout: '5' }, TypeError],
    ['NaN as timeout', { timeout: Number.NaN }, RangeError],
    ['a number as options', 500, TypeError],
    ['something else as signal', { signal: {} }, TypeError],
  ])('refuses %s', async (_what, options, errorClass) => {
    using lock = new Lock();
    const argument = options as never;
    const matching = expect.objectContaining({ code: 'ERR_MULTIPROC_ARGUMENT' }) as Error;
    expect(() => lock.acquireSync(argument)).toThrow(errorClass);
    expect(() => lock.acquireSync(argument)).toThrow(matching);
    await expect(lock.acquire(argument)).rejects.toThrow(errorClass);
    await expect(lock.hold(argument)).rejects.toThrow(errorClass);
    await expect(lock.run(() => 1, argument)).rejects.toThrow(errorClass);
    expect(lock.locked()).toBe(false);
  });

  test.each([Infinity, 2 ** 31, 1e300, null, undefined])(
    'takes %s as a timeout that is long enough',
    async (timeout) => {
      using lock = new Lock();
      await lock.acquire();
      const waiting = lock.acquire({ timeout });
      lock.release();
      expect(await waiting).toBe(true);
      expect(lock.acquireSync({ timeout: 0 })).toBe(false);
      lock.release();
      expect(lock.acquireSync({ timeout })).toBe(true);
      lock.release();
    },
  );
});

describe('tryAcquire()', () => {
  test.each<[string, () => Lock | Semaphore | BoundedSemaphore | Condition]>([
    ['Lock', () => new Lock()],
    ['Semaphore', () => new Semaphore(1)],
    ['BoundedSemaphore', () => new BoundedSemaphore(1)],
    ['Condition', () => new Condition(new Lock())],
  ])('%s: takes what is free, and never waits', async (_name, make) => {
    using object = make();
    expect(object.tryAcquire()).toBe(true);
    expect(object.tryAcquire()).toBe(false);
    expect(await object.acquire({ block: false })).toBe(false);
    expect(object.acquireSync({ block: false, timeout: 60_000 })).toBe(false);
    object.release();
    expect(await object.acquire({ block: false })).toBe(true);
    object.release();
    object.close();
    expect(() => object.tryAcquire()).toThrow(ClosedError);
  });

  test('RLock: re-enters', () => {
    using lock = new RLock();
    expect(lock.tryAcquire()).toBe(true);
    expect(lock.tryAcquire()).toBe(true);
    lock.release();
    lock.release();
    expect(lock.locked()).toBe(false);
  });
});

describe('Lock between processes', () => {
  test('excludes, waits, and may be released by any process', async () => {
    using lock = new Lock();
    const agent = new Agent();
    expect(await agent.call(lock, 'acquireSync')).toBe(true);
    expect(lock.locked()).toBe(true);
    expect(lock.acquireSync({ timeout: 0 })).toBe(false);
    expect(await lock.acquire({ timeout: 0 })).toBe(false);
    expect(lock.toString()).toBe(`<Lock(owner=SomeOtherProcess pid=${agent.pid})>`);
    expect(lock.stats().ownerPid).toBe(agent.pid);
    const waiting = lock.acquire();
    await agent.call(lock, 'release');
    expect(await waiting).toBe(true);
    const blocked = agent.call(lock, 'acquireSync');
    await until('the agent waits', () => lock.stats().waiters === 1);
    lock.release();
    expect(await blocked).toBe(true);
    lock.release();
    expect(lock.locked()).toBe(false);
    await agent.end();
  });

  test('a blocked acquireSync() is woken by another process', async () => {
    using lock = new Lock();
    using second = new Lock();
    const agent = new Agent();
    await agent.call(lock, 'acquireSync');
    second.acquireSync();
    // The agent frees the first lock when it gets the second, which it gets while this thread is about to block.
    const chain = agent.call(second, 'acquireSync').then(() => undefined);
    await until('the agent waits', () => second.stats().waiters === 1);
    const release = agent.call(lock, 'release');
    second.release();
    expect(lock.acquireSync({ timeout: 200_000 })).toBe(true);
    await Promise.all([chain, release]);
    lock.release();
    await agent.end();
  });

  test('release() cannot free what another process took through hold()', async () => {
    using lock = new Lock();
    const agent = new Agent();
    await agent.call(lock, 'hold');
    expect(() => {
      lock.release();
    }).toThrow(OwnerError);
    await agent.call(`${lock.handle}#hold`, 'release');
    expect(lock.locked()).toBe(false);
    await agent.end();
  });

  test.each([
    ['tryAcquire()', (lock: Lock | RLock) => lock.tryAcquire()],
    ['acquireSync() with short timeouts', (lock: Lock | RLock) => lock.acquireSync({ timeout: 5 })],
    ['acquire() without waiting', (lock: Lock | RLock) => lock.acquire({ timeout: 0 })],
    ['acquire() with short timeouts', (lock: Lock | RLock) => lock.acquire({ timeout: 5 })],
  ])('%s, again and again, finds that the owner was killed', async (_name, poll) => {
    for (const lock of [new Lock(), new RLock()]) {
      const owner = new Agent();
      await owner.call(lock, 'acquireSync');
      expect(await poll(lock)).toBe(false);
      await owner.kill();
      await until('the lock of the dead', () => poll(lock));
      expect(lock.ownerDied).toBe(true);
      lock.close();
    }
  });

  test('locked(), again and again, finds that the owner was killed', async () => {
    for (const lock of [new Lock(), new RLock()]) {
      const owner = new Agent();
      await owner.call(lock, 'acquireSync');
      expect(lock.locked()).toBe(true);
      await owner.kill();
      await until('the lock is free', () => !lock.locked());
      expect(lock.tryAcquire()).toBe(true);
      expect(lock.ownerDied).toBe(true);
      lock.close();
    }
  });

  test('hands the lock of a killed owner on, and says so', async () => {
    using lock = new Lock();
    const first = new Agent();
    await first.call(lock, 'acquireSync');
    const waiting = lock.acquire();
    await first.kill();
    expect(await waiting).toBe(true);
    expect(lock.ownerDied).toBe(true);
    expect(lock.stats().ownerDeaths).toBe(1);
    lock.release();
    expect(lock.ownerDied).toBe(false);
    expect(lock.acquireSync()).toBe(true);
    expect(lock.ownerDied).toBe(false);
    lock.release();

    const second = new Agent();
    await second.call(lock, 'holdSync');
    await second.kill();
    using hold = lock.holdSync();
    expect(hold.ownerDied).toBe(true);
  });

  test('a stopped owner keeps its lock', async () => {
    using lock = new Lock();
    const agent = new Agent();
    await agent.call(lock, 'acquireSync');
    agent.child.kill('SIGSTOP');
    expect(lock.acquireSync({ timeout: 600 })).toBe(false);
    expect(await lock.acquire({ timeout: 600 })).toBe(false);
    agent.child.kill('SIGCONT');
    await agent.call(lock, 'release');
    expect(lock.acquireSync()).toBe(true);
    expect(lock.ownerDied).toBe(false);
    lock.release();
    await agent.end();
  });

  test('a waiter that is killed blocks nobody', async () => {
    using lock = new Lock();
    lock.acquireSync();
    const agents = [new Agent(), new Agent()];
    const [dying, living] = agents as [Agent, Agent];
    const lost = dying.call(lock, 'acquireSync').catch(() => 'killed');
    await until('one waits', () => lock.stats().waiters === 1);
    const blocked = living.call(lock, 'acquireSync');
    await until('both wait', () => lock.stats().waiters === 2);
    await dying.kill();
    expect(await lost).toBe('killed');
    lock.release();
    expect(await blocked).toBe(true);
    await living.end();
  });
});

describe('Lock objects', () => {
  test('show one own property, the handle', () => {
    using lock = new Lock();
    expect(Object.keys(lock)).toEqual(['handle']);
    expect(lock.handle).toMatch(/^multiproc:lock:/);
    expect(JSON.parse(JSON.stringify(lock))).toEqual({ handle: lock.handle });
    expect(structuredClone(lock)).toEqual({ handle: lock.handle });
  });

  test('attach() gives another object that behaves as the same lock', () => {
    using lock = new Lock();
    const second = attach<Lock>(lock.handle);
    expect(second).toBeInstanceOf(Lock);
    expect(second).not.toBe(lock);
    lock.acquireSync();
    expect(second.locked()).toBe(true);
    second.release();
    second.close();
    expect(lock.locked()).toBe(false);
    const third = attach<Lock>({ handle: lock.handle });
    third.acquireSync();
    expect(lock.locked()).toBe(true);
    third.close();
    lock.release();
  });

  test.each([
    ['a text'],
    ['multiproc:'],
    ['multiproc:lock'],
    ['multiproc:nothing:abc'],
    [7],
    [null],
    [undefined],
    [{}],
    [{ handle: 7 }],
  ])('attach() refuses %j', (handle) => {
    expect(() => attach(handle as never)).toThrow(TypeError);
  });

  test('attach() of what is gone says so', () => {
    const lock = new Lock({ name: `gone-${process.pid}` });
    lock.unlink();
    const { handle } = lock;
    lock.close();
    expect(() => attach(handle)).toThrow(NotFoundError);
  });

  test('close() ends the waits and uses of one object only', async () => {
    using lock = new Lock();
    const second = attach<Lock>(lock);
    lock.acquireSync();
    const pending = second.acquire();
    const other = lock.acquire();
    second.close();
    second.close();
    expect(second.closed).toBe(true);
    await expect(pending).rejects.toThrow(ClosedError);
    lock.release();
    expect(await other).toBe(true);
    lock.release();
    expect(() => second.acquireSync()).toThrow(ClosedError);
    expect(() => second.acquireSync({ timeout: 0 })).toThrow(ClosedError);
    await expect(second.acquire()).rejects.toThrow(ClosedError);
    await expect(second.hold()).rejects.toThrow(ClosedError);
    await expect(second.run(() => 1)).rejects.toThrow(ClosedError);
    expect(() => second.holdSync()).toThrow(ClosedError);
    expect(() => {
      second.release();
    }).toThrow(ClosedError);
    expect(() => second.locked()).toThrow(ClosedError);
    expect(() => second.stats()).toThrow(ClosedError);
    expect(() => second.unlink()).toThrow(ClosedError);
    expect(second.handle).toBe(lock.handle);
    expect(second.toString()).toBe('<Lock closed>');
    expect(inspect(second)).toBe('<Lock closed>');
    expect(second.ownerDied).toBe(false);
  });

  test('toString() shows the owner', () => {
    using lock = new Lock();
    expect(String(lock)).toBe('<Lock(owner=None)>');
    lock.acquireSync();
    expect(inspect(lock)).toBe('<Lock(owner=MainProcess)>');
    lock.release();
  });

  test('names: create once, open, open or create, unlink', () => {
    const name = `lock-${process.pid}`;
    const lock = new Lock({ name });
    expect(() => new Lock({ name })).toThrow(ExistsError);
    const opened = Lock.open(name);
    const again = Lock.openOrCreate(name);
    opened.acquireSync();
    expect(lock.locked()).toBe(true);
    expect(again.locked()).toBe(true);
    expect(lock.unlink()).toBe(true);
    expect(lock.unlink()).toBe(false);
    expect(() => Lock.open(name)).toThrow(NotFoundError);
    const fresh = Lock.openOrCreate(name);
    expect(fresh.locked()).toBe(false);
    for (const one of [lock, opened, again, fresh]) one.close();
    expect(() => Lock.open(name)).toThrow(NotFoundError);
  });

  test.each([['a/b'], [''], ['..\0'], ['ä'], ['x'.repeat(201)]])('refuses the name %j', (name) => {
    expect(() => new Lock({ name })).toThrow(RangeError);
    expect(() => Lock.open(name)).toThrow(RangeError);
  });

  test('refuses options of the wrong kind', () => {
    expect(() => new Lock('name' as never)).toThrow(TypeError);
    expect(() => new Lock({ name: 5 as never })).toThrow(TypeError);
    expect(() => new Lock({ name: 'many', maxParticipants: 5000 })).toThrow(RangeError);
    expect(() => Lock.open(undefined as never)).toThrow(TypeError);
  });

  test('stats() counts', async () => {
    using lock = new Lock();
    lock.acquireSync();
    lock.release();
    const hold = await lock.hold();
    expect(lock.stats()).toMatchObject({ acquired: 2, ownerDeaths: 0, waiters: 0, ownerPid: process.pid });
    hold.release();
    expect(lock.stats().ownerPid).toBe(null);
  });
});

import { attach, ClosedError, DeadlockError, OverReleaseError, OwnerError, RLock, TimeoutError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

/** A promise and the function that resolves it. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('RLock in one process', () => {
  test('acquire() re-enters, release() must come as often', async () => {
    using lock = new RLock();
    expect(lock.acquireSync()).toBe(true);
    expect(await lock.acquire()).toBe(true);
    expect(lock.toString()).toBe('<RLock(MainProcess, 2)>');
    lock.release();
    expect(lock.locked()).toBe(true);
    lock.release();
    expect(lock.locked()).toBe(false);
    expect(lock.toString()).toBe('<RLock(None, 0)>');
    expect(() => {
      lock.release();
    }).toThrow(OverReleaseError);
  });

  test('hold() re-enters and can only be released through it', async () => {
    using lock = new RLock();
    const outer = await lock.hold();
    const inner = lock.holdSync();
    lock.acquireSync();
    lock.release();
    expect(() => {
      lock.release();
    }).toThrow(OwnerError);
    inner.release();
    inner.release();
    expect(lock.locked()).toBe(true);
    outer.release();
    expect(lock.locked()).toBe(false);
  });

  test('run() keeps other tasks out and lets its own callback in', async () => {
    using lock = new RLock();
    const order: string[] = [];
    const { opened, open } = gate();
    const first = lock.run(async () => {
      order.push('first in');
      await opened;
      await lock.run(async () => {
        expect(await lock.acquire()).toBe(true);
        order.push('first nested');
        expect(lock.acquireSync()).toBe(true);
        lock.release();
        lock.release();
        using hold = await lock.hold();
        expect(hold.held).toBe(true);
      });
      order.push('first out');
    });
    const second = lock.run(() => {
      order.push('second');
    });
    const third = lock.acquire().then((taken) => {
      order.push('third');
      expect(taken).toBe(true);
      lock.release();
    });
    expect(await lock.acquire({ timeout: 0 })).toBe(false);
    expect(await lock.acquire({ timeout: 10 })).toBe(false);
    open();
    await Promise.all([first, second, third]);
    expect(order).toEqual(['first in', 'first nested', 'first out', 'second', 'third']);
    expect(lock.locked()).toBe(false);
  });

  test('release() from outside cannot end a run()', async () => {
    using lock = new RLock();
    const { opened, open } = gate();
    const running = lock.run(() => opened);
    await until('it runs', () => lock.locked());
    expect(() => {
      lock.release();
    }).toThrow(OwnerError);
    open();
    await running;
    expect(lock.locked()).toBe(false);
  });

  test('a blocking acquire of what a run() of another task holds is refused, with a timeout it waits', async () => {
    using lock = new RLock();
    const { opened, open } = gate();
    const running = lock.run(() => opened);
    await until('it runs', () => lock.locked());
    expect(() => lock.acquireSync()).toThrow(DeadlockError);
    expect(() => lock.runSync(() => 1)).toThrow(DeadlockError);
    const before = performance.now();
    expect(lock.acquireSync({ timeout: 20 })).toBe(false);
    expect(performance.now() - before).toBeGreaterThanOrEqual(20);
    expect(() => lock.holdSync({ timeout: 0 })).toThrow(TimeoutError);
    open();
    await running;
  });

  test('what a run() started and left behind is outside when the run() is over', async () => {
    using lock = new RLock();
    const { opened, open } = gate();
    let late: Promise<boolean> | undefined;
    await lock.run(() => {
      late = opened.then(() => lock.acquire({ timeout: 0 }));
    });
    const next = gate();
    const other = lock.run(() => next.opened);
    await until('the other runs', () => lock.locked());
    open();
    expect(await late).toBe(false);
    next.open();
    await other;
  });

  test('run() of two locks inside each other', async () => {
    using first = new RLock();
    using second = new RLock();
    const result = await first.run(() => second.run(() => first.run(() => second.run(() => 'inside'))));
    expect(result).toBe('inside');
    expect(first.locked() || second.locked()).toBe(false);
  });

  test('runSync() re-enters and releases when its callback throws', () => {
    using lock = new RLock();
    expect(() =>
      lock.runSync(() =>
        lock.runSync(() => {
          throw new RangeError('on purpose');
        }),
      ),
    ).toThrow('on purpose');
    expect(lock.locked()).toBe(false);
  });

  test('attached twice it is one lock with one depth', () => {
    using lock = new RLock();
    using second = attach<RLock>(lock);
    lock.acquireSync();
    second.acquireSync();
    expect(lock.toString()).toBe('<RLock(MainProcess, 2)>');
    lock.release();
    second.release();
    expect(lock.locked()).toBe(false);
  });

  test('after close() everything is refused', async () => {
    const lock = new RLock();
    lock.close();
    await expect(lock.acquire()).rejects.toThrow(ClosedError);
    await expect(lock.run(() => 1)).rejects.toThrow(ClosedError);
    expect(() => lock.acquireSync()).toThrow(ClosedError);
    expect(() => {
      lock.release();
    }).toThrow(ClosedError);
    expect(lock.toString()).toBe('<RLock closed>');
  });
});

describe('RLock between processes', () => {
  test('only the owner releases', async () => {
    using lock = new RLock();
    const agent = new Agent();
    await agent.call(lock, 'acquireSync');
    await agent.call(lock, 'acquireSync');
    expect(lock.toString()).toBe(`<RLock(SomeOtherProcess pid=${agent.pid}, 2)>`);
    expect(() => {
      lock.release();
    }).toThrow(OwnerError);
    expect(lock.acquireSync({ timeout: 0 })).toBe(false);
    const waiting = lock.acquire();
    await agent.call(lock, 'release');
    expect(lock.locked()).toBe(true);
    await agent.call(lock, 'release');
    expect(await waiting).toBe(true);
    lock.release();
    await agent.end();
  });

  test('several tasks that wait for another process keep their order and re-enter', async () => {
    using lock = new RLock();
    const agent = new Agent();
    await agent.call(lock, 'acquireSync');
    const order: number[] = [];
    const tasks = [1, 2, 3].map((number) =>
      lock.run(() => {
        order.push(number);
      }),
    );
    await agent.call(lock, 'release');
    await Promise.all(tasks);
    expect(order).toEqual([1, 2, 3]);
    expect(lock.locked()).toBe(false);
    await agent.end();
  });

  test('hands the lock of a killed owner on, whatever its depth', async () => {
    using lock = new RLock();
    const agent = new Agent();
    await agent.call(lock, 'acquireSync');
    await agent.call(lock, 'acquireSync');
    const waiting = lock.hold();
    await agent.kill();
    const hold = await waiting;
    expect(hold.ownerDied).toBe(true);
    expect(lock.ownerDied).toBe(true);
    hold.release();
    expect(lock.locked()).toBe(false);
    lock.acquireSync();
    expect(lock.ownerDied).toBe(false);
    lock.release();
  });
});

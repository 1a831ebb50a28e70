import { BoundedSemaphore, ClosedError, OverReleaseError, Semaphore, TimeoutError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

describe.each([Semaphore, BoundedSemaphore])('%o', (Class) => {
  test('counts permits', async () => {
    using semaphore = new Class(2);
    expect(semaphore.getValue()).toBe(2);
    expect(semaphore.acquireSync()).toBe(true);
    expect(await semaphore.acquire()).toBe(true);
    expect(semaphore.locked()).toBe(true);
    expect(semaphore.acquireSync({ timeout: 0 })).toBe(false);
    expect(await semaphore.acquire({ timeout: 5 })).toBe(false);
    semaphore.release();
    expect(semaphore.getValue()).toBe(1);
    semaphore.release();
    expect(semaphore.getValue()).toBe(2);
  });

  test('has one permit by default, and may have none', () => {
    using one = new Class();
    using none = new Class(0);
    expect(one.getValue()).toBe(1);
    expect(none.acquireSync({ timeout: 0 })).toBe(false);
  });

  test('serves the tasks of one process in order', async () => {
    using semaphore = new Class(1);
    await semaphore.acquire();
    const order: number[] = [];
    const tasks = [1, 2, 3, 4].map((number) =>
      semaphore.run(() => {
        order.push(number);
      }),
    );
    semaphore.release();
    await Promise.all(tasks);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test('hold() and run() give the permit back', async () => {
    using semaphore = new Class(1);
    {
      using hold = semaphore.holdSync();
      expect(hold.held).toBe(true);
      await expect(semaphore.hold({ timeout: 0 })).rejects.toThrow(TimeoutError);
    }
    await expect(semaphore.run(() => Promise.reject(new Error('on purpose')))).rejects.toThrow('on purpose');
    expect(semaphore.getValue()).toBe(1);
  });

  test.each([
    [-1, RangeError],
    [1.5, RangeError],
    [2 ** 31, RangeError],
    [Number.NaN, RangeError],
    ['1', TypeError],
    [null, TypeError],
  ])('refuses the value %j', (value, errorClass) => {
    expect(() => new Class(value as never)).toThrow(errorClass);
  });

  test.each([
    [0, RangeError],
    [-1, RangeError],
    [0.5, RangeError],
    ['1', TypeError],
  ])('release(%j) is refused', (n, errorClass) => {
    using semaphore = new Class(1);
    semaphore.acquireSync();
    expect(() => {
      semaphore.release(n as never);
    }).toThrow(errorClass);
    expect(semaphore.getValue()).toBe(0);
  });

  test('releases of another process wake those who wait', async () => {
    using semaphore = new Class(3);
    const agent = new Agent();
    for (let taken = 0; taken < 3; taken += 1) semaphore.acquireSync();
    const waiting = Promise.all([semaphore.acquire(), semaphore.acquire()]);
    await agent.call(semaphore, 'release', 3);
    expect(await waiting).toEqual([true, true]);
    expect(await agent.call(semaphore, 'acquireSync')).toBe(true);
    const blocked = agent.call(semaphore, 'acquireSync');
    await until('the agent waits', () => semaphore.stats().waiters === 1);
    semaphore.release();
    expect(await blocked).toBe(true);
    await agent.end();
  });

  test('after close() everything is refused', async () => {
    const semaphore = new Class(1);
    semaphore.close();
    await expect(semaphore.acquire()).rejects.toThrow(ClosedError);
    expect(() => semaphore.acquireSync()).toThrow(ClosedError);
    expect(() => {
      semaphore.release();
    }).toThrow(ClosedError);
    expect(() => semaphore.getValue()).toThrow(ClosedError);
    expect(semaphore.toString()).toBe(`<${Class.name} closed>`);
  });

  test('names', () => {
    const name = `${Class.name}-${process.pid}`;
    using made = new Class(5, { name });
    using opened = Class.open(name);
    using either = Class.openOrCreate(name, { value: 7 });
    opened.acquireSync();
    expect(either.getValue()).toBe(4);
    made.release();
    expect(made.unlink()).toBe(true);
    using fresh = Class.openOrCreate(name, { value: 7 });
    expect(fresh.getValue()).toBe(7);
  });
});

test('Semaphore.release() makes new permits, up to the largest number', () => {
  using semaphore = new Semaphore(0);
  semaphore.release(2);
  expect(semaphore.toString()).toBe('<Semaphore(value=2)>');
  semaphore.release(2 ** 31 - 3);
  expect(semaphore.getValue()).toBe(2 ** 31 - 1);
  expect(() => {
    semaphore.release();
  }).toThrow(OverReleaseError);
  expect(semaphore.getValue()).toBe(2 ** 31 - 1);
});

test('BoundedSemaphore.release() beyond the first value is an error and gives nothing', () => {
  using semaphore = new BoundedSemaphore(2);
  semaphore.acquireSync();
  expect(() => {
    semaphore.release(2);
  }).toThrow(OverReleaseError);
  expect(semaphore.toString()).toBe('<BoundedSemaphore(value=1, maxvalue=2)>');
  semaphore.release();
  expect(() => {
    semaphore.release();
  }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_OVER_RELEASE' }));
});

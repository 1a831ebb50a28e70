/**
 * The line of waiters by itself, over the shared objects of one process.
 */
import { describe, expect, test } from 'vitest';
import { native, Kind, Status, WaitQueue } from '../../lib/internal/native.js';
import { WaitLine } from '../../lib/internal/wait.js';
import { forEver, parseWait } from '../../lib/internal/wait-options.js';

const owner = { closed: false };

/** A line over a lock of its own, with an attempt that succeeds when `ready()` says so. */
function makeLine(): { line: WaitLine; dispose: () => void } {
  const ref = native.create(Kind.lock, null, 0, 0, 0, null, 0, null);
  return {
    line: new WaitLine(ref, WaitQueue.main),
    dispose: () => {
      native.close(ref);
    },
  };
}

describe('WaitLine.wait()', () => {
  test('settles at once when the attempt succeeds, with the status', async () => {
    const { line, dispose } = makeLine();
    expect(
      await line.wait(
        owner,
        forEver,
        () => 7,
        (status) => status,
      ),
    ).toBe(7);
    expect(
      await line.wait(
        owner,
        { timeout: 0, signal: undefined },
        () => Status.Again,
        (status) => status,
      ),
    ).toBe(Status.Again);
    expect(line.pending).toBe(0);
    dispose();
  });

  test('serves in order, and stops at the first that cannot go on', async () => {
    const { line, dispose } = makeLine();
    let permits = 0;
    const attempt = (): number => (permits > 0 ? (permits -= 1) : Status.Again);
    const order: number[] = [];
    const waits = [1, 2, 3].map((number) => line.wait(owner, forEver, attempt, () => order.push(number)));
    expect(line.pending).toBe(3);
    permits = 2;
    line.serve();
    expect(line.pending).toBe(1);
    permits = 1;
    line.nudge();
    await Promise.all(waits);
    expect(order).toEqual([1, 2, 3]);
    expect(line.pending).toBe(0);
    dispose();
  });

  test('rejects with what the attempt or the settling throws', async () => {
    const { line, dispose } = makeLine();
    let ready = false;
    const failure = new Error('on purpose');
    const attempt = (): number => {
      if (ready) throw failure;
      return Status.Again;
    };
    const settle = (): never => {
      throw failure;
    };
    const first = line.wait(owner, forEver, attempt, (status) => status);
    const second = line.wait(owner, forEver, () => (ready ? 0 : Status.Again), settle);
    ready = true;
    line.serve();
    await expect(first).rejects.toBe(failure);
    await expect(second).rejects.toBe(failure);
    await expect(line.wait(owner, forEver, () => 0, settle)).rejects.toBe(failure);
    expect(line.pending).toBe(0);
    dispose();
  });

  test('times out with a last attempt', async () => {
    const { line, dispose } = makeLine();
    let attempts = 0;
    const before = performance.now();
    const status = await line.wait(
      owner,
      { timeout: 25, signal: undefined },
      () => {
        attempts += 1;
        return Status.Again;
      },
      (ended) => ended,
    );
    expect(status).toBe(Status.Again);
    expect(performance.now() - before).toBeGreaterThanOrEqual(25);
    expect(attempts).toBeGreaterThanOrEqual(3);
    dispose();
  });

  test('an abort never consumes: the attempt is not made after it', async () => {
    const { line, dispose } = makeLine();
    const controller = new AbortController();
    let ready = false;
    let taken = 0;
    const wait = parseWait({ signal: controller.signal });
    const pending = line.wait(
      owner,
      wait,
      () => (ready ? (taken += 1) : Status.Again),
      (status) => status,
    );
    ready = true;
    controller.abort('enough');
    line.serve();
    await expect(pending).rejects.toBe('enough');
    expect(taken).toBe(0);
    dispose();
  });

  test('an abort after the success changes nothing', async () => {
    const { line, dispose } = makeLine();
    const controller = new AbortController();
    let ready = false;
    const wait = parseWait({ signal: controller.signal });
    const pending = line.wait(
      owner,
      wait,
      () => (ready ? 1 : Status.Again),
      (status) => status,
    );
    ready = true;
    line.serve();
    controller.abort();
    expect(await pending).toBe(1);
    dispose();
  });

  test('a wait that settling starts is served after those that wait already', async () => {
    const { line, dispose } = makeLine();
    let permits = 0;
    const attempt = (): number => (permits > 0 ? (permits -= 1) : Status.Again);
    const order: string[] = [];
    let inner: Promise<unknown> | undefined;
    const first = line.wait(owner, forEver, attempt, () => {
      order.push('first');
      inner = line.wait(owner, forEver, attempt, () => order.push('inner'));
    });
    const second = line.wait(owner, forEver, attempt, () => order.push('second'));
    permits = 3;
    line.serve();
    await Promise.all([first, second]);
    await inner;
    expect(order).toEqual(['first', 'second', 'inner']);
    dispose();
  });

  test('abandon() rejects the waits of one owner only', async () => {
    const { line, dispose } = makeLine();
    const other = { closed: false };
    let ready = false;
    const attempt = (): number => (ready ? 0 : Status.Again);
    const own = line.wait(owner, forEver, attempt, () => 'own');
    const theirs = line.wait(other, forEver, attempt, () => 'theirs');
    line.abandon(other, () => new Error('closed'));
    ready = true;
    line.serve();
    expect(await own).toBe('own');
    await expect(theirs).rejects.toThrow('closed');
    dispose();
  });
});

describe('WaitLine.waitSync()', () => {
  test('gives the status, and Again when the time is over', () => {
    const { line, dispose } = makeLine();
    expect(line.waitSync(() => 5, Infinity)).toBe(5);
    expect(line.waitSync(() => Status.ShutDown, Infinity)).toBe(Status.ShutDown);
    const waits: number[] = [];
    const attempt = (waitMs: number): number => {
      waits.push(waitMs);
      return Status.Again;
    };
    expect(line.waitSync(attempt, 0)).toBe(Status.Again);
    expect(line.waitSync(attempt, -Infinity)).toBe(Status.Again);
    // The first also looks for dead processes, and tries again; the second comes too soon after that.
    expect(waits).toEqual([0, 0, 0]);
    const before = performance.now();
    expect(line.waitSync(attempt, 5)).toBe(Status.Again);
    expect(performance.now() - before).toBeGreaterThanOrEqual(5);
    dispose();
  });

  test('waits in slices', () => {
    const { line, dispose } = makeLine();
    const waits: number[] = [];
    const status = line.waitSync((waitMs) => {
      waits.push(waitMs);
      return waits.length < 3 ? Status.Again : 0;
    }, Infinity);
    expect(status).toBe(0);
    expect(waits).toEqual([250, 250, 250]);
    dispose();
  });

  test('serves pending promises first when the order matters', async () => {
    const { line, dispose } = makeLine();
    let next = 0;
    let ready = false;
    const attempt = (): number => (ready ? (next += 1) : Status.Again);
    const first = line.wait(owner, forEver, attempt, (status) => status);
    const second = line.wait(owner, forEver, attempt, (status) => status);
    ready = true;
    expect(line.waitSync(attempt, Infinity, true)).toBe(3);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    dispose();
  });
});

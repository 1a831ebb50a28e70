import { attach, ClosedError, Empty, Full, Queue, ShutDownError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

describe('Queue waits', () => {
  test('get() is served in the order of the calls', async () => {
    using queue = new Queue<number>();
    const gets = [queue.get(), queue.get(), queue.get()];
    queue.putManySync([1, 2, 3]);
    expect(await Promise.all(gets)).toEqual([1, 2, 3]);
  });

  test('put() keeps the order of the calls, also when a later one would not have to wait', async () => {
    using queue = new Queue<number>({ maxsize: 1 });
    queue.putSync(0);
    const puts = [queue.put(1), queue.put(2), queue.put(3)];
    expect(queue.getSync()).toBe(0);
    const late = queue.put(4);
    expect(await queue.get()).toBe(1);
    expect(await queue.get()).toBe(2);
    expect(await queue.get()).toBe(3);
    expect(await queue.get()).toBe(4);
    await Promise.all([...puts, late]);
  });

  test('putSync() lets pending put() calls go first', async () => {
    using queue = new Queue<number>({ maxsize: 2 });
    queue.putManySync([1, 2]);
    const pending = queue.put(3);
    expect(() => {
      queue.putNowait(4);
    }).toThrow(Full);
    queue.getManySync();
    queue.putSync(4);
    await pending;
    expect(queue.getManySync()).toEqual([3, 4]);
  });

  test('an aborted get() has consumed nothing', async () => {
    using queue = new Queue<number>();
    const controller = new AbortController();
    const pending = queue.get({ signal: controller.signal });
    const behind = queue.get();
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    queue.putSync(1);
    expect(await behind).toBe(1);
    expect(queue.empty()).toBe(true);
  });

  test('an aborted put() has put nothing', async () => {
    using queue = new Queue<number>({ maxsize: 1 });
    queue.putSync(1);
    const controller = new AbortController();
    const pending = queue.put(2, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    expect(queue.getManySync()).toEqual([1]);
    expect(() => queue.getNowait()).toThrow(Empty);
  });

  test('a signal that is aborted already refuses at once', async () => {
    using queue = new Queue<number>();
    queue.putSync(1);
    const signal = AbortSignal.abort(new Error('before'));
    await expect(queue.get({ signal })).rejects.toThrow('before');
    await expect(queue.put(2, { signal })).rejects.toThrow('before');
    expect(() => queue.getSync({ signal })).toThrow('before');
    expect(queue.qsize()).toBe(1);
  });

  test('close() rejects what was started through it, and nothing else', async () => {
    const queue = new Queue<number>({ maxsize: 1 });
    using same = attach<Queue<number>>(queue.handle);
    const get = queue.get();
    const other = same.get();
    queue.close();
    await expect(get).rejects.toThrow(ClosedError);
    same.putSync(1);
    expect(await other).toBe(1);
  });
});

describe('Queue shutdown', () => {
  test('refuses puts, drains, then ends gets and loops', async () => {
    using queue = new Queue<number>();
    queue.putManySync([1, 2]);
    queue.shutdown();
    queue.shutdown();
    expect(() => {
      queue.putSync(3);
    }).toThrow(ShutDownError);
    await expect(queue.put(3)).rejects.toThrow(ShutDownError);
    expect(() => {
      queue.putManySync([3]);
    }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_SHUT_DOWN', count: 0 }));
    expect(queue.getSync()).toBe(1);
    const rest: number[] = [];
    for await (const item of queue) rest.push(item);
    expect(rest).toEqual([2]);
    expect(() => queue.getSync()).toThrow(ShutDownError);
    expect(() => queue.getNowait()).toThrow(ShutDownError);
    await expect(queue.get()).rejects.toThrow(ShutDownError);
    await expect(queue.getMany()).rejects.toThrow(ShutDownError);
  });

  test('immediate drops what is waiting', async () => {
    using queue = new Queue<number>();
    queue.putManySync([1, 2]);
    queue.shutdown({ immediate: true });
    await expect(queue.get()).rejects.toThrow(ShutDownError);
    expect(queue.qsize()).toBe(0);
  });

  test('ends waits that have begun', async () => {
    using empty = new Queue();
    using full = new Queue({ maxsize: 1 });
    full.putSync(1);
    const waits = [empty.get(), empty.getMany(), full.put(2), full.putMany([2, 3])].map((wait) =>
      expect(wait).rejects.toThrow(ShutDownError),
    );
    empty.shutdown();
    full.shutdown();
    await Promise.all(waits);
  });

  test('leaving a loop loses nothing', async () => {
    using queue = new Queue<number>();
    queue.putManySync([1, 2, 3]);
    for await (const item of queue) {
      expect(item).toBe(1);
      break;
    }
    expect(queue.getManySync()).toEqual([2, 3]);
  });
});

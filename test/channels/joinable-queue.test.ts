import { ClosedError, Empty, JoinableQueue, OverReleaseError, ShutDownError, TimeoutError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

describe('JoinableQueue', () => {
  test('counts what is unfinished', async () => {
    using queue = new JoinableQueue<number>();
    expect(queue.unfinished).toBe(0);
    await queue.join();
    queue.putManySync([1, 2]);
    expect(queue.unfinished).toBe(2);
    queue.getManySync();
    expect(queue.unfinished).toBe(2);
    expect(() => {
      queue.joinSync({ timeout: 0 });
    }).toThrow(TimeoutError);
    await expect(queue.join({ timeout: 5 })).rejects.toThrow(TimeoutError);
    queue.taskDone();
    const joined = queue.join();
    queue.taskDone();
    await joined;
    queue.joinSync();
    expect(() => {
      queue.taskDone();
    }).toThrow(OverReleaseError);
    expect(String(queue)).toBe('<JoinableQueue size=0>');
  });

  test('an aborted join() stops waiting', async () => {
    using queue = new JoinableQueue<number>();
    queue.putSync(1);
    const controller = new AbortController();
    const joined = queue.join({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(joined).rejects.toThrow('enough');
  });

  test('take() keeps a task until it is done', async () => {
    using queue = new JoinableQueue<{ id: number }>();
    queue.putManySync([{ id: 1 }, { id: 2 }]);
    const first = await queue.take();
    expect(first.value).toEqual({ id: 1 });
    expect(first.attempts).toBe(1);
    const second = queue.takeSync();
    expect(second.value).toEqual({ id: 2 });
    expect(() => queue.takeSync({ timeout: 0 })).toThrow(Empty);
    await expect(queue.take({ timeout: 1 })).rejects.toThrow(Empty);
    first.done();
    expect(() => {
      first.done();
    }).toThrow(ClosedError);
    expect(() => {
      first.requeue();
    }).toThrow(ClosedError);
    expect(queue.unfinished).toBe(1);
    second.done();
    await queue.join();
    expect(queue.stats().bytesUsed).toBe(0);
  });

  test('requeue() gives a task back, in its old place', async () => {
    using queue = new JoinableQueue<string>();
    queue.putManySync(['a', 'b']);
    const pending = queue.takeSync();
    pending.requeue();
    const again = await queue.take();
    expect([again.value, again.attempts]).toEqual(['a', 2]);
    {
      using dropped = again;
      expect(dropped.value).toBe('a');
    }
    const third = queue.takeSync();
    expect([third.value, third.attempts]).toEqual(['a', 3]);
    third.done();
    queue.takeSync().done();
    queue.joinSync();
  });

  test('requeue() wakes who waits in the same process', async () => {
    using queue = new JoinableQueue<string>();
    queue.putSync('a');
    const job = queue.takeSync();
    const next = queue.take();
    job.requeue();
    expect((await next).attempts).toBe(2);
    (await next).done();
  });

  test('take() of a long message', async () => {
    using queue = new JoinableQueue<Buffer>({ capacity: 4096 });
    queue.putSync(Buffer.alloc(100_000, 'long'));
    const job = queue.takeSync();
    expect(job.value.equals(Buffer.alloc(100_000, 'long'))).toBe(true);
    job.requeue();
    const again = await queue.take();
    expect(again.value.equals(Buffer.alloc(100_000, 'long'))).toBe(true);
    again.done();
    await queue.join();
  });

  test('a task that cannot be decoded counts as done', async () => {
    using queue = new JoinableQueue();
    const child = startChild('send-and-die.mjs', { args: [queue.handle] });
    expect((await child.exit).signal).toBe('SIGKILL');
    for (const value of ['before', 'between']) {
      const job = queue.takeSync();
      expect(job.value).toBe(value);
      job.done();
    }
    expect(() => queue.takeSync()).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_NOT_FOUND' }));
    (await queue.take()).done();
    await queue.join();
  });

  test('shutdown ends take()', async () => {
    using queue = new JoinableQueue<string>();
    const pending = queue.take();
    queue.shutdown();
    await expect(pending).rejects.toThrow(ShutDownError);
  });

  test('after close() every operation throws ClosedError', async () => {
    const queue = new JoinableQueue<string>();
    const joined = queue.join();
    await joined;
    queue.close();
    expect(() => queue.unfinished).toThrow(ClosedError);
    expect(() => {
      queue.taskDone();
    }).toThrow(ClosedError);
    expect(() => {
      queue.joinSync();
    }).toThrow(ClosedError);
    expect(() => queue.takeSync()).toThrow(ClosedError);
    await expect(queue.join()).rejects.toThrow(ClosedError);
    await expect(queue.take()).rejects.toThrow(ClosedError);
  });

  test('a task whose worker was killed is taken by the next, as the second attempt', async () => {
    using queue = new JoinableQueue<string>();
    queue.putSync('task');
    const child = startChild('die-with-job.mjs', { args: [queue.handle] });
    expect((await child.exit).signal).toBe('SIGKILL');
    const job = await queue.take();
    expect([job.value, job.attempts]).toEqual(['task', 2]);
    job.done();
    await queue.join();
  });

  test('workers in several processes finish everything, and join() resolves', async () => {
    using queue = new JoinableQueue<number>();
    const workers = [1, 2, 3].map(() => startChild('work-off.mjs', { args: [queue.handle] }));
    await queue.putMany(Array.from({ length: 300 }, (_, index) => index));
    await queue.join();
    expect(queue.unfinished).toBe(0);
    queue.shutdown();
    let sum = 0;
    for (const worker of workers) {
      sum += (await worker.message()) as number;
      expect(await worker.exit).toMatchObject({ code: 0, stderr: '' });
    }
    expect(sum).toBe((299 * 300) / 2);
  });
});

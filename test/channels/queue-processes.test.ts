import { Worker } from 'node:worker_threads';
import { attach, Empty, Full, Lock, Queue, registerClass, SharedArray, ShutDownError, Value } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { type Child, startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

type Sequences = Record<number, number[]>;

async function expectGoodEnd(children: readonly Child[]): Promise<void> {
  for (const child of children) expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
}

describe('Queue between processes', () => {
  test.each([
    [1, 'sync', 1, 'sync'],
    [1, 'async', 1, 'async'],
    [3, 'sync', 1, 'many'],
    [1, 'many', 3, 'iterate'],
    [3, 'async', 3, 'sync'],
    [2, 'sync', 2, 'async'],
  ] as const)(
    '%i producers (%s), %i consumers (%s): every message once, in the order of its producer',
    async (producers, put, consumers, get) => {
      const count = 2000;
      using queue = new Queue({ maxsize: 50 });
      const getting = Array.from({ length: consumers }, () => startChild('consume.mjs', { args: [queue.handle, get] }));
      const putting = Array.from({ length: producers }, (_, producer) =>
        startChild('produce.mjs', { args: [queue.handle, String(producer), String(count), put] }),
      );
      await expectGoodEnd(putting);
      queue.shutdown();
      const all = new Map<number, number[]>();
      for (const child of getting) {
        for (const [producer, sequences] of Object.entries((await child.message()) as Sequences)) {
          all.set(Number(producer), [...(all.get(Number(producer)) ?? []), ...sequences]);
        }
      }
      await expectGoodEnd(getting);
      expect(all.size).toBe(producers);
      for (const sequences of all.values()) {
        sequences.sort((a, b) => a - b);
        expect(sequences).toEqual(Array.from({ length: count }, (_, index) => index));
      }
      expect(queue.stats()).toMatchObject({ puts: producers * count, gets: producers * count, size: 0, bytesUsed: 0 });
    },
  );

  test('what was put just before the end of a process is there', async () => {
    using queue = new Queue<{ sequence: number }>();
    await expectGoodEnd([startChild('produce.mjs', { args: [queue.handle, '1', '100', 'sync'] })]);
    expect(queue.qsize()).toBe(100);
    expect(queue.getManySync().map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
  });

  test('a waiting get() is woken, from either side', async () => {
    using queue = new Queue<number>();
    const agent = new Agent();
    const there = agent.call<number>(queue, 'get');
    await until('the child waits', () => queue.stats().waiters > 0);
    queue.putSync(1);
    expect(await there).toBe(1);
    const here = queue.get();
    await until('this process is parked', () => queue.stats().waiters > 0);
    await agent.call(queue, 'putSync', 2);
    expect(await here).toBe(2);
    await agent.end();
  });

  test('a waiting put() is woken by a get in another process', async () => {
    using queue = new Queue<number>({ maxsize: 1 });
    queue.putSync(1);
    const agent = new Agent();
    const pending = queue.put(2);
    await until('this process is parked', () => queue.stats().waiters > 0);
    expect(await agent.call(queue, 'getSync')).toBe(1);
    await pending;
    expect(await agent.call(queue, 'getSync')).toBe(2);
    await agent.end();
  });

  test('shutdown() ends the waits of other processes', async () => {
    using queue = new Queue<number>();
    const agent = new Agent();
    const there = agent.call(queue, 'get');
    await until('the child waits', () => queue.stats().waiters > 0);
    queue.shutdown();
    await expect(there).rejects.toMatchObject({ code: 'ERR_MULTIPROC_SHUT_DOWN' });
    expect(() => queue.getSync()).toThrow(ShutDownError);
    await agent.end();
  });

  test('a producer killed at any time blocks nobody and damages nothing', async () => {
    using queue = new Queue<{ producer: number; sequence: number }>({ maxsize: 20 });
    const killed = startChild('produce.mjs', { args: [queue.handle, '0', '1000000', 'sync'] });
    let last = -1;
    const getOne = async (): Promise<void> => {
      const { producer, sequence } = await queue.get();
      if (producer === 0) {
        expect(sequence).toBe(last + 1);
        last = sequence;
      }
    };
    for (let count = 0; count < 1000; count++) await getOne();
    killed.kill('SIGKILL');
    expect((await killed.exit).signal).toBe('SIGKILL');
    const next = startChild('produce.mjs', { args: [queue.handle, '1', '100', 'sync'] });
    while (queue.stats().gets - last - 1 < 100) await getOne();
    await expectGoodEnd([next]);
    await until('nothing of the dead is left', () => {
      expect(() => queue.getSync({ timeout: 0 })).toThrow(Empty);
      return queue.stats().bytesUsed === 0;
    });
  });

  test('a consumer killed while it waits or gets loses nothing', async () => {
    using queue = new Queue<{ sequence: number }>({ maxsize: 20 });
    const consumer = startChild('consume.mjs', { args: [queue.handle, 'async'] });
    await until('the child waits', () => queue.stats().waiters > 0);
    consumer.kill('SIGKILL');
    expect((await consumer.exit).signal).toBe('SIGKILL');
    queue.putSync({ sequence: 1 });
    expect(await queue.get()).toEqual({ sequence: 1 });
  });

  test('a consumer killed in the middle of a batch takes along what it had got; the message in its hand comes back', async () => {
    class Fuse {
      readonly fuse = true;
    }
    registerClass('Fuse', Fuse, { toData: () => null, fromData: () => new Fuse() });
    using queue = new Queue<number | { lock: Lock; fuse: Fuse }>();
    using lock = new Lock();
    // With a shared object in it a message is consumed only when it was decoded; the numbers are when they are copied.
    queue.putManySync([1, 2, { lock, fuse: new Fuse() }, 4, 5]);
    const consumer = startChild('die-in-batch.mjs', { args: [queue.handle] });
    expect((await consumer.exit).signal).toBe('SIGKILL');
    // Until the death is found, what lies behind goes first.
    expect(await queue.get()).toBe(4);
    expect(queue.stats().busyPids).toEqual([consumer.pid]);
    // Whoever waits finds it; from then on it has its old place again.
    queue.putSync(6);
    const rest = [];
    while (rest.length < 3) rest.push(...(await queue.getMany(1)));
    expect(rest.filter((message) => typeof message === 'number')).toEqual([5, 6]);
    const back = rest.find((message) => typeof message === 'object');
    expect(back?.fuse).toBeInstanceOf(Fuse);
    back?.lock.close();
    expect(queue.empty()).toBe(true);
  });

  test('Full tells which process holds the room', async () => {
    using queue = new Queue<Buffer>({ codec: 'raw', maxsize: 1 });
    const child = startChild('hold-room.mjs', { args: [queue.handle] });
    await child.message();
    expect(() => {
      queue.putSync(Buffer.alloc(1), { timeout: 1 });
    }).toThrow(expect.objectContaining({ pid: child.pid }));
    await expect(queue.put(Buffer.alloc(1), { timeout: 1 })).rejects.toThrow(Full);
    expect(queue.stats().busyPids).toEqual([child.pid]);
    child.send('end');
    await expectGoodEnd([child]);
    queue.putSync(Buffer.alloc(1));
  });
});

describe('Queue by any route', () => {
  const routes: [string, (queue: Queue) => Child][] = [
    ['a command line argument', (queue) => startChild('echo.mjs', { args: ['argument', queue.handle] })],
    [
      'an environment variable',
      (queue) => startChild('echo.mjs', { args: ['environment'], env: { TEST_QUEUE: queue.handle } }),
    ],
    [
      'process.send',
      (queue) => {
        const child = startChild('echo.mjs', { args: ['message'], serialization: 'json' });
        child.send({ queue: queue as never });
        return child;
      },
    ],
    [
      'process.send with advanced serialization',
      (queue) => {
        const child = startChild('echo.mjs', { args: ['message'], serialization: 'advanced' });
        child.send({ queue: queue as never });
        return child;
      },
    ],
  ];

  test.each(routes)('%s', async (_route, start) => {
    using queue = new Queue();
    using answers = new Queue();
    const child = start(queue);
    // The answers' queue itself travels in a message.
    await queue.put(answers);
    await queue.put('hello');
    expect(await answers.get()).toEqual({ echo: 'hello' });
    await queue.put(null);
    await expectGoodEnd([child]);
  });

  test('its name', async () => {
    using queue = new Queue({ name: `route-${process.pid}` });
    using answers = new Queue();
    const child = startChild('echo.mjs', { args: ['name', `route-${process.pid}`] });
    await queue.put(answers);
    await queue.put(5n);
    expect(await answers.get()).toEqual({ echo: 5n });
    await queue.put(null);
    await expectGoodEnd([child]);
  });

  test('workerData and postMessage', async () => {
    using input = new Queue<number | null>();
    using output = new Queue<number>();
    const worker = new Worker(new URL('../fixtures/open-in-thread.mjs', import.meta.url), {
      workerData: { queue: { handle: input.handle } },
    });
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage(output.handle);
    input.putManySync([1, 2, 3, null]);
    expect([await output.get(), await output.get(), await output.get()]).toEqual([2, 4, 6]);
    await exited;
  });

  test('shared objects at any depth of a message arrive live, together with views', async () => {
    using queue = new Queue();
    using answers = new Queue();
    using value = new Value('i', 1);
    using array = new SharedArray('i', [1, 2, 3]);
    const child = startChild('use-shared.mjs', { args: [queue.handle] });
    queue.putSync({
      deep: [new Map([['value', value]]), { array, view: array.subarray(1) }],
      answers,
      twice: [value, value],
    });
    expect(await answers.get()).toEqual({ sameObject: true, sum: 6 });
    expect(value.value).toBe(42);
    expect([...array]).toEqual([10, 20, 3]);
    await expectGoodEnd([child]);
  });
});

describe('objects in transit', () => {
  test('stay alive when the sender closes them right after sending', () => {
    using queue = new Queue<{ lock: Lock; value: Value<number> }>();
    const lock = new Lock();
    const value = new Value('i', 7);
    queue.putSync({ lock, value });
    const { handle } = lock;
    lock.close();
    value.close();
    const received = queue.getSync();
    expect(received.lock.handle).toBe(handle);
    expect(received.lock.acquireSync()).toBe(true);
    received.lock.release();
    expect(received.value.updateSync((old) => old + 1)).toBe(8);
    received.lock.close();
    received.value.close();
  });

  test('and so do those of a put() that has to wait', async () => {
    using queue = new Queue({ maxsize: 1 });
    queue.putSync(1);
    const lock = new Lock();
    const pending = queue.put({ lock });
    lock.close();
    expect(queue.getSync()).toBe(1);
    await pending;
    const received = queue.getSync() as { lock: Lock };
    expect(received.lock.locked()).toBe(false);
    received.lock.close();
  });

  test('are let go when the put fails, and when the message has been got', async () => {
    using queue = new Queue({ maxsize: 1 });
    const lock = new Lock();
    const { handle } = lock;
    queue.putSync(1);
    await expect(queue.put(lock, { timeout: 1 })).rejects.toThrow(Full);
    await expect(queue.putMany([lock], { timeout: 1 })).rejects.toThrow(Full);
    queue.getSync();
    queue.putSync(lock);
    lock.close();
    (queue.getSync() as Lock).close();
    await until('the lock is gone', () => {
      try {
        attach(handle).close();
        return false;
      } catch {
        return true;
      }
    });
  });

  test('a message with objects may be longer than the ring', () => {
    using queue = new Queue<{ lock: Lock; bytes: Buffer }>({ capacity: 4096 });
    const lock = new Lock();
    queue.putSync({ lock, bytes: Buffer.alloc(50_000, 1) });
    lock.close();
    const received = queue.getSync();
    expect(received.bytes.equals(Buffer.alloc(50_000, 1))).toBe(true);
    expect(received.lock.locked()).toBe(false);
    received.lock.close();
  });

  test('a message with an object that is gone: NotFoundError, and the queue goes on', async () => {
    using queue = new Queue();
    const child = startChild('send-and-die.mjs', { args: [queue.handle] });
    expect((await child.exit).signal).toBe('SIGKILL');
    expect(queue.getSync()).toBe('before');
    expect(queue.getManySync()).toEqual(['between']);
    expect(() => queue.getSync()).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_NOT_FOUND' }));
    expect(queue.getSync()).toBe('after');
    expect(queue.stats().bytesUsed).toBe(0);
  });
});

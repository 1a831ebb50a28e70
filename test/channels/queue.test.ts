import { inspect } from 'node:util';
import {
  attach,
  ClosedError,
  Empty,
  ExistsError,
  Full,
  JoinableQueue,
  KindError,
  NotFoundError,
  NotTransferableError,
  Queue,
  SimpleQueue,
  StateError,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const sparse: number[] = [1];
sparse[2] = 3;

const values = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1.5,
  NaN,
  10n ** 30n,
  '',
  'text ünï😀',
  [],
  sparse,
  {},
  { a: { b: [1, { c: undefined }] } },
  new Map<unknown, unknown>([[1, new Set(['x'])]]),
  new Date(0),
  /x/gi,
  Buffer.from('bytes'),
  Float64Array.of(1, 2, 3),
  new Error('wrong'),
];

describe('Queue in one process', () => {
  test('gives back what was put, in order, by all forms', async () => {
    using queue = new Queue();
    for (const value of values) queue.putSync(value);
    for (const value of values) await queue.put(value);
    for (const value of values) queue.putNowait(value);
    expect(queue.qsize()).toBe(3 * values.length);
    for (const value of values) expect(queue.getSync()).toEqual(value);
    for (const value of values) expect(await queue.get()).toEqual(value);
    for (const value of values) expect(queue.getNowait()).toEqual(value);
    expect(queue.empty()).toBe(true);
  });

  test('null and undefined are items like any other', async () => {
    using queue = new Queue({ maxsize: 2 });
    queue.putSync(null);
    queue.putSync(undefined);
    expect(queue.full()).toBe(true);
    expect(await queue.get()).toBe(null);
    expect(await queue.get()).toBe(undefined);
    expect(() => queue.getNowait()).toThrow(Empty);
  });

  test('copies the value at the call', async () => {
    using queue = new Queue({ maxsize: 1 });
    const item = { list: [1] };
    queue.putSync(item);
    item.list.push(2);
    const pending = queue.put(item);
    item.list.push(3);
    expect(queue.getSync()).toEqual({ list: [1] });
    await pending;
    expect(queue.getSync()).toEqual({ list: [1, 2] });
  });

  test('buffers received are nobody else’s memory', () => {
    using queue = new Queue<Buffer>();
    using raw = new Queue<Buffer>({ codec: 'raw' });
    for (const length of [0, 1, 100, 3000, 5000, 40_000, 200_000]) {
      for (const each of [queue, raw]) {
        const sent = Buffer.alloc(length, 1);
        each.putSync(sent);
        const received = each.getSync();
        each.putSync(Buffer.alloc(length, 2));
        const second = each.getSync();
        expect(received.equals(Buffer.alloc(length, 1)), `${length} bytes`).toBe(true);
        received.fill(3);
        expect(second.equals(Buffer.alloc(length, 2)), `${length} bytes`).toBe(true);
        expect(sent.equals(Buffer.alloc(length, 1))).toBe(true);
      }
    }
  });

  test('many small raw messages share memory without overlapping', () => {
    using queue = new Queue<Uint8Array>({ codec: 'raw' });
    const received: Uint8Array[] = [];
    for (let index = 0; index < 2000; index++) {
      queue.putSync(Buffer.alloc(index % 300, index & 0xff));
      received.push(queue.getSync());
    }
    received.forEach((bytes, index) => {
      if (!Buffer.from(bytes).equals(Buffer.alloc(index % 300, index & 0xff)))
        throw new Error(`message ${index} was overwritten`);
    });
  });

  test.each([0, 1, 63, 64, 65, 4096, 131_071, 131_072, 131_073, 600_000, 5_000_000])(
    'takes messages of %i bytes',
    (length) => {
      using queue = new Queue<Buffer>();
      const sent = Buffer.alloc(length, 'abc');
      queue.putSync(sent);
      expect(queue.getSync().equals(sent)).toBe(true);
      queue.putSync([sent] as never);
      expect((queue.getSync() as unknown as Buffer[])[0]?.equals(sent)).toBe(true);
    },
  );

  test('messages larger than the whole queue keep their turn and leave nothing behind', async () => {
    using queue = new Queue<{ index: number; bytes: Buffer } | number>({ capacity: 4096 });
    queue.putSync(1);
    queue.putSync({ index: 2, bytes: Buffer.alloc(100_000, 2) });
    queue.putSync(3);
    expect(queue.stats().spills).toBe(1);
    expect(await queue.getMany()).toEqual([1, { index: 2, bytes: Buffer.alloc(100_000, 2) }, 3]);
  });

  test('maxsize counts messages, whatever their size', () => {
    for (const maxsize of [1, 2, 7]) {
      using queue = new Queue({ maxsize });
      for (let count = 0; count < maxsize; count++) {
        expect(queue.full()).toBe(false);
        queue.putNowait(count);
      }
      expect(queue.full()).toBe(true);
      expect(() => {
        queue.putNowait('more');
      }).toThrow(Full);
      expect(queue.qsize()).toBe(maxsize);
      expect(queue.getNowait()).toBe(0);
      expect(queue.full()).toBe(false);
    }
  });

  test('a large maxsize makes room for that many small messages', () => {
    using queue = new Queue<Buffer>({ maxsize: 20_000, codec: 'raw' });
    const message = Buffer.alloc(128);
    for (let count = 0; count < 20_000; count++) queue.putNowait(message);
    expect(() => {
      queue.putNowait(message);
    }).toThrow(Full);
    expect(queue.qsize()).toBe(20_000);
  });

  test('without maxsize, capacity is the limit', () => {
    using queue = new Queue<Buffer>({ capacity: 4096, codec: 'raw' });
    let count = 0;
    expect(() => {
      for (;;) {
        queue.putNowait(Buffer.alloc(100));
        count += 1;
      }
    }).toThrow(Full);
    expect(count).toBeGreaterThanOrEqual(16);
    expect(queue.qsize()).toBe(count);
  });

  test('block: false does not wait, whatever the timeout', async () => {
    using queue = new Queue({ maxsize: 1 });
    for (const timeout of [undefined, null, Infinity, 60_000, 0]) {
      const atOnce = { block: false, timeout };
      expect(() => queue.getSync(atOnce)).toThrow(Empty);
      await expect(queue.get(atOnce)).rejects.toThrow(Empty);
      await queue.put(1, atOnce);
      expect(() => {
        queue.putSync(2, atOnce);
      }).toThrow(Full);
      await expect(queue.put(2, atOnce)).rejects.toThrow(Full);
      expect(await queue.get({ block: true, timeout })).toBe(1);
    }
    await expect(queue.get({ block: 0 as never })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(queue.get({ block: false, timeout: NaN })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
  });

  test('joinThread(), flush() and cancelJoinThread() have nothing to do, before and after close()', async () => {
    const queue = new Queue();
    using other = attach<Queue>(queue.handle);
    queue.putSync(1);
    for (const closed of [false, true]) {
      if (closed) queue.close();
      queue.cancelJoinThread();
      queue.joinThread();
      await queue.flush();
      expect(other.qsize()).toBe(1);
    }
  });

  test('timeouts: 0 and less do not wait, others wait that long', async () => {
    using queue = new Queue({ maxsize: 1 });
    for (const timeout of [0, -1, -Infinity]) {
      expect(() => queue.getSync({ timeout })).toThrow(Empty);
      await expect(queue.get({ timeout })).rejects.toThrow(Empty);
    }
    const start = performance.now();
    expect(() => queue.getSync({ timeout: 30 })).toThrow(Empty);
    await expect(queue.get({ timeout: 30 })).rejects.toThrow(Empty);
    queue.putSync(1);
    expect(() => {
      queue.putSync(2, { timeout: 30 });
    }).toThrow(Full);
    await expect(queue.put(2, { timeout: 30 })).rejects.toThrow(Full);
    expect(performance.now() - start).toBeGreaterThanOrEqual(119);
    expect(queue.qsize()).toBe(1);
    expect(queue.getSync({ timeout: 2 ** 40 })).toBe(1);
  });

  test('bad options are refused: the sync forms throw, the async forms reject', async () => {
    using queue = new Queue();
    for (const [options, ErrorClass] of [
      [{ timeout: NaN }, RangeError],
      [{ timeout: '5' }, TypeError],
      [5, TypeError],
      [{ signal: {} }, TypeError],
    ] as const) {
      expect(() => queue.getSync(options as never)).toThrow(ErrorClass);
      expect(() => {
        queue.putSync(1, options as never);
      }).toThrow(ErrorClass);
      expect(() => {
        queue.putManySync([1], options as never);
      }).toThrow(ErrorClass);
      await expect(queue.get(options as never)).rejects.toThrow(ErrorClass);
      await expect(queue.put(1, options as never)).rejects.toThrow(ErrorClass);
      await expect(queue.putMany([1], options as never)).rejects.toThrow(ErrorClass);
      await expect(queue.getMany(1, options as never)).rejects.toThrow(ErrorClass);
    }
    expect(queue.qsize()).toBe(0);
  });

  test('bad constructor options are refused', () => {
    for (const wrong of [
      { maxsize: 1.5 },
      { maxsize: NaN },
      { maxsize: 2 ** 31 },
      { capacity: 0 },
      { capacity: -1 },
      { capacity: 2 ** 31 },
      { name: '' },
      { name: 'a/b' },
      { maxParticipants: 0 },
    ]) {
      expect(() => new Queue(wrong), inspect(wrong)).toThrow(RangeError);
    }
    for (const wrong of [{ maxsize: '1' }, { capacity: {} }, { name: 5 }, { codec: 'json' }, 5]) {
      expect(() => new Queue(wrong as never), inspect(wrong)).toThrow(TypeError);
    }
    using unlimited = new Queue({ maxsize: -1 });
    expect(unlimited.maxsize).toBe(0);
  });

  test('what cannot travel is refused by the call, with its path, and nothing is put', async () => {
    using queue = new Queue();
    const wrong = { a: [1, () => undefined] };
    expect(() => {
      queue.putSync(wrong);
    }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_NOT_TRANSFERABLE', path: '.a[1]' }));
    await expect(queue.put(wrong)).rejects.toThrow(NotTransferableError);
    expect(queue.empty()).toBe(true);
    queue.putSync('next');
    expect(queue.getSync()).toBe('next');
  });

  test('a value that uses the queue while it is encoded disturbs nothing', () => {
    using queue = new Queue();
    queue.putSync({
      before: 'x'.repeat(1000),
      get inner() {
        queue.putSync('inner message');
        return 'inner';
      },
    });
    expect(queue.getSync()).toBe('inner message');
    expect(queue.getSync()).toEqual({ before: 'x'.repeat(1000), inner: 'inner' });
  });

  test('a value that closes the queue while it is encoded is not put', () => {
    using same = new Queue();
    const queue = attach<Queue>(same.handle);
    const closing = {
      get inner() {
        queue.close();
        return 'inner';
      },
    };
    expect(() => {
      queue.putSync(closing);
    }).toThrow(ClosedError);
    expect(same.empty()).toBe(true);
  });

  test('qsize(), empty() and full() are exact', () => {
    using queue = new Queue({ maxsize: 3 });
    for (let round = 0; round < 100; round++) {
      expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([0, true, false]);
      queue.putSync(1);
      expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([1, false, false]);
      queue.putSync(1);
      queue.putSync(1);
      expect([queue.qsize(), queue.empty(), queue.full()]).toEqual([3, false, true]);
      queue.getManySync();
    }
  });

  test('stats() counts', () => {
    using queue = new Queue({ maxsize: 10 });
    queue.putManySync([1, 2, 3]);
    queue.getSync();
    expect(queue.stats()).toMatchObject({
      puts: 3,
      gets: 1,
      size: 2,
      maxsize: 10,
      capacity: queue.capacity,
      spills: 0,
      busyPids: [],
      participants: 1,
    });
    expect(queue.stats().bytesUsed).toBeGreaterThan(0);
  });

  test('is shown with its facts', () => {
    using queue = new Queue({ maxsize: 4 });
    queue.putSync(1);
    expect(inspect(queue)).toBe('<Queue size=1 maxsize=4>');
    expect(Object.keys(queue)).toEqual(['handle']);
    using other = new Queue();
    expect(String(other)).toBe('<Queue size=0>');
  });
});

describe('Queue batches', () => {
  test('putMany() and getMany()', async () => {
    using queue = new Queue<number>();
    queue.putManySync([1, 2, 3]);
    await queue.putMany(new Set([4, 5]));
    expect(await queue.getMany(2)).toEqual([1, 2]);
    expect(queue.getManySync(1)).toEqual([3]);
    expect(queue.getManySync()).toEqual([4, 5]);
    expect(() => queue.getManySync(5, { timeout: 0 })).toThrow(Empty);
    await queue.putMany([]);
    queue.putManySync([]);
    expect(queue.empty()).toBe(true);
  });

  test('getMany() waits for one only', async () => {
    using queue = new Queue<number>();
    const pending = queue.getMany(10);
    queue.putSync(1);
    expect(await pending).toEqual([1]);
  });

  test('a batch that runs out of time tells how many went', async () => {
    using queue = new Queue({ maxsize: 2 });
    expect(() => {
      queue.putManySync([1, 2, 3, 4], { timeout: 0 });
    }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_FULL', count: 2 }));
    await expect(queue.putMany([5, 6], { timeout: 5 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_FULL', count: 0 });
    expect(queue.getManySync()).toEqual([1, 2]);
    const pending = queue.putMany([1, 2, 3, 4, 5], { timeout: 50 });
    expect(queue.getSync()).toBe(1);
    await expect(pending).rejects.toMatchObject({ code: 'ERR_MULTIPROC_FULL', count: 3 });
    expect(queue.getManySync()).toEqual([2, 3]);
  });

  test('a batch waits for room as often as needed', async () => {
    using queue = new Queue<number>({ maxsize: 3 });
    const sent = Array.from({ length: 100 }, (_, index) => index);
    const pending = queue.putMany(sent);
    const received: number[] = [];
    while (received.length < 100) received.push(...(await queue.getMany()));
    await pending;
    expect(received).toEqual(sent);
  });

  test('an item that cannot travel ends the batch; those before it are put', async () => {
    using queue = new Queue({ maxsize: 10 });
    expect(() => {
      queue.putManySync([1, Symbol('x'), 3]);
    }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_NOT_TRANSFERABLE', count: 1 }));
    await expect(queue.putMany([2, Symbol('x'), 3])).rejects.toMatchObject({
      code: 'ERR_MULTIPROC_NOT_TRANSFERABLE',
      count: 1,
    });
    expect(queue.getManySync()).toEqual([1, 2]);
  });

  test('arguments are checked', async () => {
    using queue = new Queue();
    expect(() => {
      queue.putManySync(5 as never);
    }).toThrow(TypeError);
    await expect(queue.putMany(null as never)).rejects.toThrow(TypeError);
    for (const max of [0, -1, 1.5, NaN]) await expect(queue.getMany(max)).rejects.toThrow(RangeError);
    expect(() => queue.getManySync('1' as never)).toThrow(TypeError);
  });
});

describe('Queue lifetime', () => {
  test('after close() every operation throws ClosedError', async () => {
    const queue = new Queue<Buffer>({ codec: 'raw' });
    const item = Buffer.from('x');
    queue.close();
    queue.close();
    expect(queue.closed).toBe(true);
    for (const operation of [
      () => {
        queue.putSync(item);
      },
      () => {
        queue.putNowait(item);
      },
      () => {
        queue.putManySync([item]);
      },
      () => queue.getSync(),
      () => queue.getNowait(),
      () => queue.getManySync(),
      () => queue.reserveSync(1),
      () => queue.receiveSync(),
      () => queue.qsize(),
      () => queue.empty(),
      () => queue.full(),
      () => {
        queue.shutdown();
      },
      () => queue.stats(),
      () => queue.unlink(),
    ]) {
      expect(operation, String(operation)).toThrow(ClosedError);
    }
    for (const operation of [
      () => queue.put(item),
      () => queue.putMany([item]),
      () => queue.get(),
      () => queue.getMany(),
      () => queue.reserve(1),
      () => queue.receive(),
      () => queue[Symbol.asyncIterator]().next(),
    ]) {
      await expect(operation(), String(operation)).rejects.toThrow(ClosedError);
    }
    expect(inspect(queue)).toBe('<Queue closed>');
  });

  test('names: open() attaches the right class', () => {
    const name = `queue-${process.pid}`;
    expect(() => Queue.open(name)).toThrow(NotFoundError);
    using queue = new JoinableQueue<number>({ name });
    using opened = Queue.open<number>(name);
    expect(opened).toBeInstanceOf(JoinableQueue);
    opened.putSync(5);
    expect(queue.getSync()).toBe(5);
    expect(() => SimpleQueue.open(name)).toThrow(KindError);
    expect(() => new Queue({ name })).toThrow(ExistsError);
    using same = JoinableQueue.openOrCreate(name);
    expect(same.handle).toBe(queue.handle);
    queue.unlink();
    using fresh = SimpleQueue.openOrCreate(name);
    expect(fresh.handle).not.toBe(queue.handle);
    expect(() => JoinableQueue.open(name)).toThrow(KindError);
  });

  test('two handles give one queue', () => {
    using queue = new Queue<number>();
    using same = attach<Queue<number>>(JSON.parse(JSON.stringify(queue)) as { handle: string });
    expect(same).toBeInstanceOf(Queue);
    expect(same).not.toBe(queue);
    queue.putSync(1);
    expect(same.getSync()).toBe(1);
    same.close();
    queue.putSync(2);
    expect(queue.getSync()).toBe(2);
  });

  test('a queue that is gone gives NotFoundError', () => {
    const queue = new Queue();
    const { handle } = queue;
    queue.close();
    expect(() => attach(handle)).toThrow(NotFoundError);
  });

  test('raw operations need the raw codec', async () => {
    using queue = new Queue();
    expect(() => queue.reserveSync(1)).toThrow(StateError);
    await expect(queue.receive()).rejects.toThrow(StateError);
    using raw = new Queue<Uint8Array>({ codec: 'raw' });
    expect(() => {
      raw.putSync('text' as never);
    }).toThrow(TypeError);
    raw.putSync(Float64Array.of(1) as never);
    expect(raw.getSync()).toEqual(Buffer.from(Float64Array.of(1).buffer));
    raw.putSync(new ArrayBuffer(3) as never);
    expect(raw.getSync()).toEqual(Buffer.alloc(3));
  });
});

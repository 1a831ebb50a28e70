/** Channels: meeting, buffering, retiring, poisoning, and what is refused. */
import {
  attach,
  ClosedError,
  ExistsError,
  KindError,
  Lock,
  NotFoundError,
  NotTransferableError,
  Queue,
} from 'multiproc';
import {
  Channel,
  type ChannelOptions,
  poison,
  PoisonError,
  ReadEnd,
  retire,
  RetireError,
  Spawn,
  WriteEnd,
} from 'multiproc/csp';
import { describe, expect, test } from 'vitest';
import { Consumer, Idle } from '../fixtures/csp-processes.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

/** Runs `body` with a channel, one reader and one writer, all closed afterwards. */
async function withChannel(
  body: (cin: ReadEnd, cout: WriteEnd, channel: Channel) => Promise<void> | void,
  options?: ChannelOptions,
): Promise<void> {
  const channel = new Channel(options);
  const cin = channel.reader();
  const cout = channel.writer();
  try {
    await body(cin, cout, channel);
  } finally {
    cin.close();
    cout.close();
    channel.close();
  }
}

/** Has it settled, when everything that is due has been done? */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if ((await Promise.race([promise.catch(() => undefined), Promise.resolve(pending)])) !== pending) return false;
  }
  return true;
}

const soon = { timeout: 20 };

describe('reading and writing', () => {
  test('a write without a buffer ends when a reader has taken the value, and not before', () =>
    withChannel(async (cin, cout) => {
      const written = cout.write({ n: [1] });
      expect(await isPending(written)).toBe(true);
      expect(await cin.read()).toEqual({ n: [1] });
      await written;
      const read = cin.read();
      expect(await isPending(read)).toBe(true);
      await cout.write(2);
      expect(await read).toBe(2);
    }));

  test('ends can be called', () =>
    withChannel(async (cin, cout) => {
      const written = cout('hello');
      expect(await cin()).toBe('hello');
      await written;
      expect(Object.keys(cin)).toEqual(['handle']);
      expect([String(cin), String(cout)]).toEqual(['<ReadEnd>', '<WriteEnd>']);
      expect(cin).toBeInstanceOf(ReadEnd);
      expect(cout).toBeInstanceOf(WriteEnd);
    }));

  test('a buffer takes so many values before a write waits, in their order', () =>
    withChannel(
      async (cin, cout) => {
        for (let i = 0; i < 3; i += 1) await cout(i);
        const fourth = cout(3);
        const fifth = cout(4);
        expect(await isPending(fourth)).toBe(true);
        expect(await cin()).toBe(0);
        await fourth;
        expect(await isPending(fifth)).toBe(true);
        expect([await cin(), await cin(), await cin(), await cin()]).toEqual([1, 2, 3, 4]);
        await fifth;
      },
      { buffer: 3 },
    ));

  test('readers and writers are served in the order in which they came', () =>
    withChannel(async (cin, cout) => {
      const reads = Array.from({ length: 5 }, () => cin());
      for (let i = 0; i < 5; i += 1) await cout(i);
      expect(await Promise.all(reads)).toEqual([0, 1, 2, 3, 4]);
      const writes = Array.from({ length: 5 }, (_, i) => cout(i));
      for (let i = 0; i < 5; i += 1) expect(await cin()).toBe(i);
      await Promise.all(writes);
    }));

  test('writes that are not awaited keep their order, also beside another process', async () => {
    const channel = new Channel({ buffer: 2 });
    const [run, idle] = Spawn(Consumer(channel.reader()), Idle(channel.reader()));
    const cout = channel.writer();
    const count = 400;
    await Promise.all(Array.from({ length: count }, (_, i) => cout(i)));
    retire(cout);
    expect(await run?.result).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(await idle?.result).toBe(1);
    channel.close();
  });

  test('more may wait than there are places for offers', () =>
    withChannel(async (cin, cout) => {
      const writes = Array.from({ length: 300 }, (_, i) => cout(i));
      const values = [];
      for (let i = 0; i < 300; i += 1) values.push(await cin());
      expect(values.sort((a, b) => (a as number) - (b as number))).toEqual(Array.from({ length: 300 }, (_, i) => i));
      await Promise.all(writes);
    }));

  test('values of all kinds and sizes arrive, and are copied at the call', () =>
    withChannel(async (cin, cout) => {
      const values = [undefined, null, 0, -0, '', 2n ** 70n, new Map([[1, new Set([2])]]), 'long'.repeat(1e6)];
      for (const value of values) {
        const written = cout(value);
        expect(await cin()).toEqual(value);
        await written;
      }
      const list = [1];
      const written = cout(list);
      list.push(2);
      expect(await cin()).toEqual([1]);
      await written;
    }));

  test('the blocking forms meet those that do not block', () =>
    withChannel(async (cin, cout) => {
      const written = cout(1);
      expect(cin.readSync()).toBe(1);
      await written;
      const read = cin();
      cout.writeSync(2);
      expect(await read).toBe(2);
      expect(() => cin.readSync(soon)).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_TIMEOUT' }));
      expect(() => {
        cout.writeSync(1, soon);
      }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_TIMEOUT' }));
    }));

  test('what was given up, by time or by signal, nobody gets', () =>
    withChannel(async (cin, cout) => {
      await expect(cin.read(soon)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      await expect(cin.read({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      await expect(cout.write('late', soon)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      await expect(cout.write('at once', { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      const controller = new AbortController();
      const aborted = [
        cout.write('called off', { signal: controller.signal }),
        cout.write('this too', { signal: controller.signal }),
      ];
      controller.abort(new Error('changed my mind'));
      for (const each of aborted) await expect(each).rejects.toThrow('changed my mind');
      const written = cout('kept');
      expect(await cin()).toBe('kept');
      await written;
      await expect(cin.read({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
    }));
});

describe('the end of a channel', () => {
  test('when the last of several writers has retired, readers get what is there, then RetireError, again and again', () =>
    withChannel(
      async (cin, cout, channel) => {
        const second = channel.writer();
        await cout(1);
        retire(cout, cout);
        await second(2);
        const waiting = channel.reader();
        second.retire();
        expect([await cin(), await waiting()]).toEqual([1, 2]);
        for (let i = 0; i < 2; i += 1) await expect(cin()).rejects.toThrow(RetireError);
        expect(() => cin.readSync()).toThrow(RetireError);
        await expect(second(3)).rejects.toThrow(RetireError);
        waiting.retire();
      },
      { buffer: 5 },
    ));

  test('when the last of several readers has retired, writers get RetireError at once', () =>
    withChannel(
      async (cin, cout, channel) => {
        const second = channel.reader();
        await cout(1);
        const pending = cout(2);
        retire(cin);
        expect(await isPending(pending)).toBe(true);
        retire(second);
        await expect(pending).rejects.toThrow(RetireError);
        await expect(cout(3)).rejects.toThrow(RetireError);
        const late = channel.reader();
        await expect(late()).rejects.toThrow(RetireError);
        late.close();
      },
      { buffer: 1 },
    ));

  test('a pending read or write ends with its end', () =>
    withChannel(async (cin, cout, channel) => {
      const other = channel.reader();
      const [read, closed] = [cin(), other()];
      cin.retire();
      other.close();
      await expect(read).rejects.toThrow(RetireError);
      await expect(closed).rejects.toThrow(ClosedError);
      await expect(cout(1)).rejects.toThrow(RetireError);
    }));

  test('nobody is missed before the first one came', async () => {
    const channel = new Channel();
    const cout = channel.writer();
    const written = cout(1);
    expect(await isPending(written)).toBe(true);
    const cin = channel.reader();
    expect(await cin()).toBe(1);
    await written;
    retire(cin, cout);
    channel.close();
  });

  test('a writer that poisons leaves what is buffered, and pending writes fail at once', () =>
    withChannel(
      async (cin, cout) => {
        await cout(1);
        const pending = cout(2);
        poison(cout);
        await expect(pending).rejects.toThrow(PoisonError);
        expect(await cin()).toBe(1);
        for (let i = 0; i < 2; i += 1) await expect(cin()).rejects.toThrow(PoisonError);
        await expect(cout(3)).rejects.toThrow(PoisonError);
      },
      { buffer: 1 },
    ));

  test('a reader that poisons leaves nothing', () =>
    withChannel(
      async (cin, cout, channel) => {
        const other = channel.reader();
        await cout(1);
        const pending = cout(2);
        poison(cin);
        await expect(pending).rejects.toThrow(PoisonError);
        await expect(cin()).rejects.toThrow(PoisonError);
        await expect(other()).rejects.toThrow(PoisonError);
        other.close();
      },
      { buffer: 1 },
    ));

  test('for await ends when the channel has retired, and throws when it is poisoned', async () => {
    const channel = new Channel({ buffer: 3 });
    const cin = channel.reader();
    const cout = channel.writer();
    await cout(1);
    await cout(2);
    retire(cout);
    const values = [];
    for await (const value of cin) values.push(value);
    expect(values).toEqual([1, 2]);
    const other = new Channel();
    const otherIn = other.reader();
    const otherOut = other.writer();
    const loop = (async () => {
      for await (const value of otherIn) values.push(value);
    })();
    poison(otherOut);
    await expect(loop).rejects.toThrow(PoisonError);
    for (const end of [cin, otherIn, otherOut, channel, other]) end.close();
  });
});

describe('channels and ends as shared objects', () => {
  test('ends arrive as ends wherever objects travel: what arrives counts', () =>
    withChannel(async (cin, cout, channel) => {
      const queue = new Queue();
      queue.putSync([cout, { channel, at: new Map([['cin', cin]]) }]);
      const [cout2, parts] = queue.getSync() as [WriteEnd, { channel: Channel; at: Map<string, ReadEnd> }];
      queue.close();
      const cin2 = parts.at.get('cin') as ReadEnd;
      retire(cin, cout);
      const read = cin2();
      await cout2('over');
      expect(await read).toBe('over');
      const attached = attach<WriteEnd>(cout2.handle);
      retire(cout2);
      const again = cin2();
      await attached('still open');
      expect(await again).toBe('still open');
      retire(attached);
      await expect(cin2()).rejects.toThrow(RetireError);
      for (const end of [cin2, parts.channel]) end.close();
      expect(JSON.parse(JSON.stringify({ cin }))).toEqual({ cin: { handle: cin.handle } });
    }));

  test('an end that is sent over a channel is alive on the way, though its sender retires it at once', () =>
    withChannel(async (cin, cout) => {
      const other = new Channel();
      const otherIn = other.reader();
      const otherOut = other.writer();
      const sent = cout(otherOut);
      retire(otherOut);
      const arrived = (await cin()) as WriteEnd;
      await sent;
      const read = otherIn();
      await arrived(5);
      expect(await read).toBe(5);
      for (const end of [arrived, otherIn, other]) end.close();
    }));

  test('a named channel can be opened, once made', () => {
    const name = `csp-test-${process.pid}`;
    const channel = new Channel({ name, buffer: 2 });
    expect(() => new Channel({ name })).toThrow(ExistsError);
    const opened = Channel.open(name);
    const again = Channel.openOrCreate(name);
    expect([opened.buffer, again.buffer]).toEqual([2, 2]);
    expect(() => Queue.open(name)).toThrow(KindError);
    for (const each of [again, opened, channel]) each.close();
    expect(() => Channel.open(name)).toThrow(NotFoundError);
  });

  test('what is refused says why', () =>
    withChannel(async (cin, cout, channel) => {
      expect(() => new Channel({ buffer: -1 })).toThrow(RangeError);
      expect(() => new Channel({ buffer: '1' as unknown as number })).toThrow(TypeError);
      expect(() => new Channel(7 as unknown as ChannelOptions)).toThrow(TypeError);
      expect(() => new Channel({ name: 'no/slash' })).toThrow(RangeError);
      await expect(cout(() => undefined)).rejects.toThrow(NotTransferableError);
      await expect(cin.read(5 as unknown as { timeout: number })).rejects.toThrow(TypeError);
      await expect(cout.write(1, { timeout: NaN })).rejects.toThrow(RangeError);
      expect(() => {
        retire(channel as unknown as ReadEnd);
      }).toThrow(TypeError);
      expect(() => {
        poison(new Lock() as unknown as ReadEnd);
      }).toThrow(TypeError);
      expect(() => attach('multiproc:reader:nonsense')).toThrow();
      channel.close();
      expect(() => channel.reader()).toThrow(ClosedError);
      cin.close();
      await expect(cin()).rejects.toThrow(ClosedError);
    }));
});

/** SocketConnection: a connection over a socket, between real processes and with strangers. */
import { once } from 'node:events';
import {
  attach,
  BrokenPipeError,
  BufferTooShort,
  ClosedError,
  CorruptSegmentError,
  EOFError,
  LengthError,
  Listener,
  NotFoundError,
  NotTransferableError,
  Process,
  Queue,
  StateError,
  TimeoutError,
  wait,
  waitSync,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { echo, flood, sendAndEnd } from '../fixtures/socket-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { frame, insider, withConnection, withListener } from '../support/sockets.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const families = [['AF_INET'], ['AF_UNIX']] as const;

describe('messages', () => {
  test.each(families)('a child says back all kinds of values over %s', async (family) => {
    await withListener(
      async (listener) => {
        const child = new Process({ target: echo, args: [listener.address] });
        child.start();
        const connection = await listener.accept();
        const values = [
          undefined,
          null,
          -0,
          NaN,
          '',
          'żółć 🙂',
          2n ** 80n,
          { a: [1, { b: new Map([[{ c: 1 }, new Set([1])]]) }], d: new Date(5) },
          Buffer.from('bytes'),
          Buffer.alloc(0),
          Float64Array.of(1.5, -0),
          Object.assign(new RangeError('wrong'), { code: 'E_WRONG' }),
          'x'.repeat(3_000_000),
        ];
        for (const value of values) {
          await connection.send(value);
          expect(await connection.recv()).toStrictEqual(value);
        }
        const large = Buffer.alloc(16 * 1024 * 1024, 'xyz');
        await connection.send(large);
        expect(large.equals((await connection.recv()) as Buffer)).toBe(true);
        connection.close();
        expect(await child.join()).toBe(0);
      },
      { family },
    );
  });

  test('a thousand at once, of all lengths, keep their order and boundaries', async () => {
    await withConnection(async ({ here, there }) => {
      const messages = Array.from({ length: 1000 }, (_, index) => Buffer.alloc((index * 37) % 9001, index));
      const sent = Promise.all(messages.map((message) => here.send(message)));
      for (const message of messages) expect(message.equals((await there.recv()) as Buffer)).toBe(true);
      await sent;
      expect(there.poll()).toBe(false);
    });
  });

  test('the value is copied at the call', async () => {
    await withConnection(async ({ here, there }) => {
      const bytes = Buffer.alloc(10_000_000, 1);
      const list = [1, 2];
      const sent = [here.send(bytes), here.send(list)];
      bytes.fill(2);
      list.push(3);
      expect(Buffer.alloc(10_000_000, 1).equals((await there.recv()) as Buffer)).toBe(true);
      expect(await there.recv()).toEqual([1, 2]);
      await Promise.all(sent);
    });
  });

  test('shared objects arrive live, also when the sender closes its own right after', async () => {
    await withConnection(async ({ here, there }) => {
      const queue = new Queue<string>();
      await queue.put('in the queue');
      await here.send({ queue });
      queue.close();
      await until('the message came', () => there.poll());
      const { queue: received } = (await there.recv()) as { queue: Queue<string> };
      expect(await received.get()).toBe('in the queue');
      received.close();
      // The sender has heard by then that it need not keep the queue any longer: nothing of it may be left.
      await there.send('received');
      expect(await here.recv()).toBe('received');
    });
  });

  test('objects of messages that nobody will receive are let go of with the connection', async () => {
    const queue = new Queue();
    const { handle } = queue;
    await withConnection(async ({ here, there }) => {
      await here.send({ queue });
      queue.close();
      attach(handle).close();
      there.close();
      await expect(here.recv()).rejects.toThrow(EOFError);
      here.close();
      await until('the queue is gone', () => {
        try {
          attach(handle).close();
          return false;
        } catch (error) {
          return error instanceof NotFoundError;
        }
      });
    });
  });

  test('what cannot travel is refused at the call, and nothing is sent', async () => {
    await withConnection(async ({ here, there, listener }) => {
      await expect(here.send({ deep: [() => 1] })).rejects.toMatchObject({
        code: 'ERR_MULTIPROC_NOT_TRANSFERABLE',
        path: '.deep[0]',
      });
      await expect(here.send({ here })).rejects.toThrow(NotTransferableError);
      await expect(here.send({ listener })).rejects.toThrow(NotTransferableError);
      await here.send('the next one');
      expect(await there.recv()).toBe('the next one');
    });
  });

  test('the iterator gives what was sent, and ends when the other side closes', async () => {
    await withConnection(async ({ here, there }) => {
      for (const number of [1, 2, 3]) await here.send(number);
      here.close();
      const received = [];
      for await (const number of there) received.push(number);
      expect(received).toEqual([1, 2, 3]);
    });
  });
});

describe('bytes', () => {
  test('parts of them, empty ones, and into memory of the receiver', async () => {
    await withConnection(async ({ here, there }) => {
      await here.sendBytes(Buffer.from('abcdef'), 2, 3);
      expect((await there.recvBytes()).toString()).toBe('cde');
      await here.sendBytes(new Uint16Array([1, 2]), 2);
      expect([...(await there.recvBytes())]).toEqual([2, 0]);
      await here.sendBytes(new ArrayBuffer(0));
      expect(await there.recvBytes({ maxLength: 0 })).toHaveLength(0);
      await here.sendBytes(Buffer.from('xyz'));
      const target = Buffer.from('........');
      expect(await there.recvBytesInto(target, 4)).toBe(3);
      expect(target.toString()).toBe('....xyz.');
      await expect(here.sendBytes('text' as never)).rejects.toThrow(TypeError);
      await expect(here.sendBytes(Buffer.alloc(3), 4)).rejects.toThrow(RangeError);
      await expect(here.sendBytes(Buffer.alloc(3), 1, 3)).rejects.toThrow(RangeError);
      await expect(here.sendBytes(Buffer.alloc(3), -1)).rejects.toThrow(RangeError);
    });
  });

  test('a message that is no bytes, or too long, stays; one without room comes with the error', async () => {
    await withConnection(async ({ here, there }) => {
      await here.send({ a: 1 });
      await expect(there.recvBytes()).rejects.toThrow(StateError);
      await expect(there.recvBytesInto(Buffer.alloc(9))).rejects.toThrow(StateError);
      expect(await there.recv()).toEqual({ a: 1 });
      await here.sendBytes(Buffer.from('12345'));
      await expect(there.recvBytes({ maxLength: 4 })).rejects.toThrow(LengthError);
      expect((await there.recvBytes({ maxLength: 5 })).toString()).toBe('12345');
      await here.sendBytes(Buffer.from('12345'));
      const failed: unknown = await there.recvBytesInto(Buffer.alloc(4)).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(BufferTooShort);
      expect(Buffer.from((failed as BufferTooShort).data ?? []).toString()).toBe('12345');
    });
  });
});

describe('waiting', () => {
  test('a receiver whose time is over, or that is called off, takes nothing away', async () => {
    await withConnection(async ({ here, there }) => {
      await expect(there.recv({ timeout: 0 })).rejects.toThrow(TimeoutError);
      const late = there.recv({ timeout: 1 });
      await expect(late).rejects.toThrow(TimeoutError);
      const controller = new AbortController();
      const calledOff = there.recv({ signal: controller.signal });
      const next = there.recv();
      const reason = new Error('not any more');
      controller.abort(reason);
      await here.send('only one');
      await expect(calledOff).rejects.toBe(reason);
      expect(await next).toBe('only one');
      await expect(there.recv({ signal: controller.signal })).rejects.toBe(reason);
    });
  });

  test('poll tells of a message and of the end, and waits for them', async () => {
    await withConnection(async ({ here, there }) => {
      expect(there.poll()).toBe(false);
      expect(await there.poll({ timeout: 1 })).toBe(false);
      const polled = there.poll({});
      await here.send('');
      expect(await polled).toBe(true);
      expect(there.poll()).toBe(true);
      expect(await there.recv()).toBe('');
      expect(there.poll()).toBe(false);
      here.close();
      expect(await there.poll(null)).toBe(true);
      await expect(there.recv()).rejects.toThrow(EOFError);
      await expect(there.recv()).rejects.toThrow(EOFError);
    });
  });

  test('who sends waits for who does not receive; what is rejected was not sent, what is not arrives', async () => {
    await withConnection(async ({ here, there }) => {
      const bytes = Buffer.alloc(300_000, 7);
      const outcomes: ('sent' | 'late')[] = [];
      for (let number = 0; outcomes.at(-1) !== 'late' || outcomes.at(-2) !== 'late'; number += 1) {
        expect(number).toBeLessThan(1000);
        await here.send({ number, bytes }, { timeout: 50 }).then(
          () => outcomes.push('sent'),
          (error: unknown) => {
            expect(error).toBeInstanceOf(TimeoutError);
            outcomes.push('late');
          },
        );
      }
      const controller = new AbortController();
      const calledOff = here.send('called off', { signal: controller.signal });
      const last = here.send('last');
      controller.abort();
      await expect(calledOff).rejects.toThrow('aborted');
      const numbers: number[] = [];
      for await (const message of there) {
        if (message === 'last') break;
        numbers.push((message as { number: number }).number);
        expect(bytes.equals((message as { bytes: Buffer }).bytes)).toBe(true);
      }
      await last;
      expect(numbers).toEqual([...outcomes.keys()].filter((number) => outcomes[number] === 'sent'));
    });
  });

  test('wait() takes connections and says which have something, or have ended', async () => {
    await withConnection(async ({ here, there, listener }) => {
      expect(await wait([here, there], { timeout: 0 })).toEqual([]);
      const waiting = wait([there, here]);
      await here.send(1);
      expect(await waiting).toEqual([there]);
      expect(await there.recv()).toBe(1);
      const ended = wait([there, listener]);
      here.close();
      expect(await ended).toEqual([there]);
      await expect(wait([here])).rejects.toThrow(ClosedError);
      expect(() => waitSync([there])).toThrow(TypeError);
    });
  });
});

describe('ends', () => {
  test('close() rejects what is pending, and what was sent arrives, though the closer has left messages unread', async () => {
    await withConnection(async ({ here, there }) => {
      await there.send('nobody will read this');
      await until('it came', () => here.poll());
      await here.recv();
      const pending = here.recv();
      await here.send(Buffer.alloc(5_000_000, 3));
      here.close();
      here.close();
      await expect(pending).rejects.toThrow(ClosedError);
      await expect(here.send(1)).rejects.toThrow(ClosedError);
      await expect(here.recv()).rejects.toThrow(ClosedError);
      expect(() => here.poll()).toThrow(ClosedError);
      expect(here.closed).toBe(true);
      expect(Buffer.alloc(5_000_000, 3).equals((await there.recv()) as Buffer)).toBe(true);
      await expect(there.recv()).rejects.toThrow(EOFError);
      await expect(there.send(1)).rejects.toThrow(BrokenPipeError);
      expect(String(here)).toMatch(/^<SocketConnection .* closed>$/);
    });
  });

  test.each(families)('what a child sends before it ends arrives, over %s', async (family) => {
    await withListener(
      async (listener) => {
        const child = new Process({ target: sendAndEnd, args: [listener.address, Buffer.alloc(3_000_000, 5)] });
        child.start();
        const connection = await listener.accept();
        expect(Buffer.alloc(3_000_000, 5).equals((await connection.recv()) as Buffer)).toBe(true);
        await expect(connection.recv()).rejects.toThrow(EOFError);
        connection.close();
        expect(await child.join()).toBe(0);
      },
      { family },
    );
  });

  test.each(families)('a sender that is killed leaves whole messages and EOFError, over %s', async (family) => {
    await withListener(
      async (listener) => {
        const child = new Process({ target: flood, args: [listener.address] });
        child.start();
        const connection = await listener.accept();
        let next = 0;
        for await (const message of connection) {
          const { number, bytes } = message as { number: number; bytes: Buffer };
          expect(number).toBe(next);
          expect(bytes.equals(Buffer.alloc(50_000, number % 251))).toBe(true);
          next += 1;
          if (next === 40) child.kill();
        }
        expect(next).toBeGreaterThanOrEqual(40);
        await expect(connection.recv()).rejects.toThrow(EOFError);
        await expect(connection.send(1)).rejects.toThrow(BrokenPipeError);
        connection.close();
        expect(await child.join()).toBe(-9);
      },
      { family },
    );
  });
});

describe('what comes is not trusted', () => {
  test('a message longer than maxMessage is refused by the sender, and ends the connection at the receiver', async () => {
    const small = { family: 'AF_INET', maxMessage: 1000 } as const;
    await withConnection(async ({ here, there }) => {
      await expect(there.send(Buffer.alloc(1000))).rejects.toThrow(LengthError);
      await there.send('fits');
      expect(await here.recv()).toBe('fits');
      await here.send('before');
      await here.send(Buffer.alloc(1000)).catch(() => undefined);
      expect(await there.recv()).toBe('before');
      await expect(there.recv()).rejects.toThrow(LengthError);
      await expect(there.send(1)).rejects.toThrow(BrokenPipeError);
      await expect(here.recv()).rejects.toThrow(EOFError);
    }, small);
  });

  test.each([
    ['an unknown kind', frame(Buffer.from('x'), 9)],
    ['a message without a value', frame(Buffer.alloc(0))],
    ['a value that no encoder wrote', frame(Buffer.from([250, 1, 2, 3]))],
    ['a half of an engine value', frame(Buffer.from('0eff0f6f2201', 'hex'))],
    ['an acknowledgement of another length', frame(Buffer.alloc(3), 2)],
  ])('%s ends that connection and no other', async (_what, bytes) => {
    await withListener(async (listener) => {
      const socket = await insider(listener.address);
      const bad = await listener.accept();
      const good = await insider(listener.address);
      const other = await listener.accept();
      socket.write(bytes);
      await expect(bad.recv()).rejects.toThrow(CorruptSegmentError);
      await expect(bad.recv()).rejects.toThrow(CorruptSegmentError);
      await expect(bad.send(1)).rejects.toThrow(BrokenPipeError);
      if (!socket.closed) await once(socket.resume(), 'close');
      expect(other.poll()).toBe(false);
      await other.send(1);
      good.destroy();
      await expect(other.recv()).rejects.toThrow(EOFError);
      bad.close();
      other.close();
    });
  });

  test('acknowledgements of what was never sent change nothing', async () => {
    await withListener(async (listener) => {
      const socket = await insider(listener.address);
      const connection = await listener.accept();
      socket.write(frame(Buffer.from([255, 255, 255, 255]), 2));
      socket.end();
      await expect(connection.recv()).rejects.toThrow(EOFError);
      connection.close();
    });
  });

  test('a message that breaks off is not received', async () => {
    await withListener(async (listener) => {
      const socket = await insider(listener.address);
      const connection = await listener.accept();
      socket.end(frame(Buffer.from('half'), 0, 1000));
      await expect(connection.recv()).rejects.toThrow(/in the middle of a message/);
      connection.close();
    });
  });

  test('a long message that was announced takes no memory before it comes', async () => {
    await withListener(async (listener) => {
      const socket = await insider(listener.address);
      const connection = await listener.accept();
      const before = process.memoryUsage.rss();
      socket.write(frame(Buffer.from('only this'), 0, 2 ** 30));
      expect(await connection.poll({ timeout: 100 })).toBe(false);
      expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
      socket.destroy();
      await expect(connection.recv()).rejects.toThrow(EOFError);
      connection.close();
    });
  });
});

test('a connection knows who is at its other end', async () => {
  await withConnection(async ({ here, there, listener }) => {
    expect(here.remoteAddress).toEqual(listener.address);
    expect(there.remoteAddress).toMatchObject({ host: '127.0.0.1' });
    expect(listener).toBeInstanceOf(Listener);
  });
});

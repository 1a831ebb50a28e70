import {
  attach,
  BrokenPipeError,
  BufferTooShort,
  ClosedError,
  Connection,
  DirectionError,
  EOFError,
  LengthError,
  Lock,
  NotFoundError,
  NotTransferableError,
  Pipe,
  Queue,
  StateError,
  TimeoutError,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

/** Runs `body` with a pipe, and closes both ends whatever happens. */
async function withPipe(
  body: (first: Connection, second: Connection) => Promise<void> | void,
  options?: Parameters<typeof Pipe>[0],
): Promise<void> {
  const [first, second] = Pipe(options);
  try {
    await body(first, second);
  } finally {
    first.close();
    second.close();
  }
}

describe('Pipe', () => {
  test('what one end sends the other receives, in both directions, in order', () =>
    withPipe(async (first, second) => {
      for (let i = 0; i < 10; i += 1) first.sendSync({ i });
      await second.send('back');
      for (let i = 0; i < 10; i += 1) expect(i % 2 === 0 ? second.recvSync() : await second.recv()).toEqual({ i });
      expect(first.recvSync()).toBe('back');
      expect(first.poll()).toBe(false);
      expect(second.poll()).toBe(false);
    }));

  test('values of all kinds arrive, null and undefined and empty ones too', () =>
    withPipe((first, second) => {
      const values = [null, undefined, '', 0, [], {}, new Map([[1, new Set([2n])]]), Buffer.alloc(0), NaN];
      for (const value of values) first.sendSync(value);
      for (const value of values) expect(second.recvSync()).toEqual(value);
    }));

  test('a one-way pipe has an end that receives and an end that sends', () =>
    withPipe(
      async (first, second) => {
        expect([first.readable, first.writable, second.readable, second.writable]).toEqual([true, false, false, true]);
        second.sendSync(1);
        expect(await first.recv()).toBe(1);
        expect(() => {
          first.sendSync(1);
        }).toThrow(DirectionError);
        await expect(first.send(1)).rejects.toThrow(DirectionError);
        await expect(first.sendBytes(Buffer.from('x'))).rejects.toThrow(DirectionError);
        expect(() => second.recvSync()).toThrow(DirectionError);
        await expect(second.recv()).rejects.toThrow(DirectionError);
        await expect(second.recvBytes()).rejects.toThrow(DirectionError);
        expect(() => second.poll()).toThrow(DirectionError);
        expect(String(first)).toBe('<Connection readable>');
        expect(String(second)).toBe('<Connection writable>');
      },
      { duplex: false },
    ));

  test('a message of 64 MiB arrives whole', () =>
    withPipe(async (first, second) => {
      const big = Buffer.alloc(64 * 1024 * 1024, 'multiproc');
      const sent = first.send(big);
      const received = (await second.recv()) as Buffer;
      await sent;
      expect(received.equals(big)).toBe(true);
    }));

  test('sending waits for room, and for no longer than it may', () =>
    withPipe(
      async (first, second) => {
        let sent = 0;
        await expect(
          (async () => {
            for (;;) {
              await first.send(Buffer.alloc(1000), { timeout: 20 });
              sent += 1;
            }
          })(),
        ).rejects.toThrow(TimeoutError);
        expect(sent).toBeGreaterThan(40);
        const waiting = first.send('last');
        for (let i = 0; i < sent; i += 1) second.recvSync();
        await waiting;
        expect(second.recvSync()).toBe('last');
      },
      { capacity: 65_536 },
    ));

  test('refuses wrong options', () => {
    expect(() => Pipe({ duplex: 'no' as never })).toThrow(TypeError);
    expect(() => Pipe(5 as never)).toThrow(TypeError);
    expect(() => Pipe({ capacity: -1 })).toThrow(RangeError);
    expect(() => Pipe({ maxParticipants: 0 })).toThrow(RangeError);
  });

  test('what cannot travel is refused by the call, and nothing is sent', () =>
    withPipe(async (first, second) => {
      await expect(first.send(() => 1)).rejects.toThrow(NotTransferableError);
      expect(() => {
        first.sendSync({ a: Symbol('x') });
      }).toThrow(NotTransferableError);
      expect(second.poll()).toBe(false);
    }));
});

describe('Connection.recv()', () => {
  test('waits no longer than it may, and can be called off without losing a message', () =>
    withPipe(async (first, second) => {
      await expect(second.recv({ timeout: 10 })).rejects.toThrow(TimeoutError);
      expect(() => second.recvSync({ timeout: 10 })).toThrow(TimeoutError);
      expect(() => second.recvSync({ timeout: -1 })).toThrow(TimeoutError);
      const caller = new AbortController();
      const called = second.recv({ signal: caller.signal });
      caller.abort(new Error('called off'));
      await expect(called).rejects.toThrow('called off');
      first.sendSync('kept');
      expect(await second.recv()).toBe('kept');
    }));

  test('throws EOFError once everything was received and the other end is closed', () =>
    withPipe(async (first, second) => {
      first.sendSync(1);
      first.sendSync(2);
      first.close();
      expect(second.recvSync()).toBe(1);
      expect(await second.recv()).toBe(2);
      expect(second.poll()).toBe(true);
      expect(await second.poll({ timeout: 5 })).toBe(true);
      expect(() => second.recvSync()).toThrow(EOFError);
      await expect(second.recv()).rejects.toThrow(EOFError);
      await expect(second.recvBytes()).rejects.toThrow(EOFError);
    }));

  test('a wait ends with EOFError when the other end is closed by this thread, by another process, or killed', async () => {
    for (const how of ['close', 'end', 'kill'] as const) {
      await withPipe(async (first, second) => {
        const agent = new Agent();
        await agent.call(second, 'toString');
        second.close();
        const told = expect(first.recv()).rejects.toThrow(EOFError);
        if (how === 'close') await agent.call(second, 'close');
        if (how !== 'kill') await agent.end();
        else await agent.kill();
        await told;
        await expect(first.send(1)).rejects.toThrow(BrokenPipeError);
      });
    }
    await withPipe(async (first, second) => {
      const waiting = first.recv();
      second.close();
      await expect(waiting).rejects.toThrow(EOFError);
    });
  });

  test('a blocked thread is told of the death of its peer', () =>
    withPipe(async (first, second) => {
      const [reader, writer] = [new Agent(), new Agent()];
      await writer.call(second, 'toString');
      const told = expect(reader.call(first, 'recvSync')).rejects.toMatchObject({ code: 'ERR_MULTIPROC_EOF' });
      second.close();
      await writer.kill();
      await told;
      await reader.end();
    }));

  test('close() ends the waits of one object only', () =>
    withPipe(async (first, second) => {
      using other = attach<Connection>(first);
      const [ended, kept] = [first.recv(), other.recv()];
      first.close();
      await expect(ended).rejects.toThrow(ClosedError);
      second.sendSync('x');
      expect(await kept).toBe('x');
      expect(() => first.recvSync()).toThrow(ClosedError);
      await expect(first.recv()).rejects.toThrow(ClosedError);
      expect(() => first.poll()).toThrow(ClosedError);
      expect(() => first.unlink()).toThrow(ClosedError);
      expect(String(first)).toBe('<Connection closed>');
    }));

  test('loops over the messages until the end', () =>
    withPipe(async (first, second) => {
      for (let i = 0; i < 3; i += 1) first.sendSync(i);
      first.close();
      const got = [];
      for await (const message of second) got.push(message);
      expect(got).toEqual([0, 1, 2]);
    }));
});

describe('Connection.send()', () => {
  test('throws BrokenPipeError when nobody is left who could receive, also one that waits for room', async () => {
    for (const how of ['close', 'kill'] as const) {
      await withPipe(
        async (first, second) => {
          const agent = new Agent();
          await agent.call(second, 'toString');
          second.close();
          while (
            await first.send(Buffer.alloc(4000), { timeout: 0 }).then(
              () => true,
              () => false,
            )
          );
          const told = expect(first.send(Buffer.alloc(4000))).rejects.toThrow(BrokenPipeError);
          if (how === 'close') await agent.call(second, 'close');
          else await agent.kill();
          await told;
          expect(() => {
            first.sendSync('more');
          }).toThrow(BrokenPipeError);
          if (how === 'close') await agent.end();
        },
        { capacity: 65_536 },
      );
    }
  });
});

describe('Connection.poll()', () => {
  test('answers at once, or waits for a message that it leaves where it is', () =>
    withPipe(async (first, second) => {
      expect(second.poll()).toBe(false);
      expect(await second.poll({ timeout: 5 })).toBe(false);
      expect(second.pollSync({ timeout: 5 })).toBe(false);
      const waiting = second.poll({});
      const receiving = second.recv();
      first.sendSync(1);
      expect(await waiting).toBe(true);
      expect(await receiving).toBe(1);
      first.sendSync(2);
      for (let i = 0; i < 3; i += 1) expect(second.poll()).toBe(true);
      expect(second.pollSync()).toBe(true);
      expect(second.recvSync()).toBe(2);
      const called = second.poll({ signal: AbortSignal.timeout(1) });
      await expect(called).rejects.toMatchObject({ name: 'TimeoutError' });
    }));

  test('a process that only polls takes nothing from the others', () =>
    withPipe(async (first, second) => {
      const agent = new Agent();
      const polling = agent.call(second, 'pollSync', {});
      first.sendSync('x');
      expect(await polling).toBe(true);
      expect(second.recvSync()).toBe('x');
      await agent.end();
    }));
});

describe('Connection bytes', () => {
  test('any kind of bytes, and any part of them, arrive as a Buffer', () =>
    withPipe(async (first, second) => {
      const text = Buffer.from('0123456789');
      first.sendBytesSync(text);
      first.sendBytesSync(text, 3);
      first.sendBytesSync(text, 3, 4);
      first.sendBytesSync(text, 10);
      first.sendBytesSync(new Uint16Array([0x3130, 0x3332]), 2);
      first.sendBytesSync(new Uint8Array([65, 66]).buffer);
      await first.sendBytes(new DataView(new Uint8Array([67, 68]).buffer, 1));
      const got = [];
      while (second.poll()) got.push((await second.recvBytes()).toString());
      expect(got).toEqual(['0123456789', '3456789', '3456', '', '23', 'AB', 'D']);
    }));

  test('parts that are not inside, and what is no bytes, are refused', () =>
    withPipe(async (first, second) => {
      const bytes = Buffer.alloc(10);
      for (const [offset, size] of [[-1], [11], [0, 11], [5, 6], [0, -1], [0.5], [NaN]] as const) {
        expect(() => {
          first.sendBytesSync(bytes, offset, size);
        }).toThrow(RangeError);
        await expect(first.sendBytes(bytes, offset, size)).rejects.toThrow(RangeError);
      }
      for (const wrong of ['text', 5, null, undefined, [1, 2], {}]) {
        expect(() => {
          first.sendBytesSync(wrong as never);
        }).toThrow(TypeError);
      }
      expect(() => {
        first.sendBytesSync(bytes, '1' as never);
      }).toThrow(TypeError);
      expect(second.poll()).toBe(false);
    }));

  test('a message that is longer than allowed, or not bytes, stays', () =>
    withPipe(async (first, second) => {
      first.sendBytesSync(Buffer.from('four'));
      await expect(second.recvBytes({ maxLength: 3 })).rejects.toThrow(LengthError);
      expect(() => second.recvBytesSync({ maxLength: 0 })).toThrow(LengthError);
      expect(() => second.recvBytesSync({ maxLength: -1 })).toThrow(RangeError);
      await expect(second.recvBytes({ maxLength: 'x' as never })).rejects.toThrow(TypeError);
      expect((await second.recvBytes({ maxLength: 4 })).toString()).toBe('four');
      first.sendSync({ not: 'bytes' });
      await expect(second.recvBytes()).rejects.toThrow(StateError);
      await expect(second.recvBytesInto(Buffer.alloc(5))).rejects.toThrow(StateError);
      expect(second.recvSync()).toEqual({ not: 'bytes' });
      expect(() => second.recvBytesSync({ timeout: 5 })).toThrow(TimeoutError);
    }));

  test('recvBytesInto() fills memory of the caller, or hands the message over in BufferTooShort', () =>
    withPipe(async (first, second) => {
      const target = new Uint8Array(8);
      first.sendBytesSync(Buffer.from([1, 2, 3]));
      expect(await second.recvBytesInto(target)).toBe(3);
      first.sendBytesSync(Buffer.from([9, 9]));
      expect(second.recvBytesIntoSync(target, 6)).toBe(2);
      expect([...target]).toEqual([1, 2, 3, 0, 0, 0, 9, 9]);
      first.sendBytesSync(Buffer.from('too long'));
      const error: unknown = await second.recvBytesInto(target, 1).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(BufferTooShort);
      expect((error as BufferTooShort).data?.toString()).toBe('too long');
      expect(second.poll()).toBe(false);
      await expect(second.recvBytesInto(target, 9)).rejects.toThrow(RangeError);
      await expect(second.recvBytesInto('x' as never)).rejects.toThrow(TypeError);
    }));

  test('bytes that are sent with send() are received with recvBytes(), and the other way round', () =>
    withPipe((first, second) => {
      first.sendSync(new Uint8Array([1, 2]));
      expect([...second.recvBytesSync()]).toEqual([1, 2]);
      first.sendBytesSync(Buffer.from('x'));
      expect(second.recvSync()).toEqual(Buffer.from('x'));
    }));
});

describe('ends of a pipe', () => {
  test('several processes at the same end get each message whole and once', () =>
    withPipe(async (first, second) => {
      const count = 600;
      const readers = [0, 1].map(() => startChild('pipe-crowd.mjs', { args: [second.handle, 'receive'] }));
      const writers = [0, 1, 2].map((n) =>
        startChild('pipe-crowd.mjs', { args: [first.handle, 'send', String(n), String(count)] }),
      );
      await Promise.all(writers.map(({ exit }) => exit));
      first.close();
      const got = (await Promise.all(readers.map((reader) => reader.message()))) as [number, number][][];
      for (const { exit } of readers) expect(await exit).toMatchObject({ code: 0 });
      for (const each of got) {
        for (const n of [0, 1, 2]) {
          const order = each.filter(([sender]) => sender === n).map(([, i]) => i);
          expect(order).toEqual([...order].sort((a, b) => a - b));
        }
      }
      const all = got.flat().map(([sender, i]) => sender * count + i);
      expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 3 * count }, (_, i) => i));
    }));

  test('travel through queues and through ends, and keep the pipe open on the way', async () => {
    using queue = new Queue();
    const [first, second] = Pipe();
    const [carrier, receiver] = Pipe();
    queue.putSync({ deep: [second] });
    second.close();
    expect(first.poll()).toBe(false);
    const { deep } = queue.getSync() as { deep: [Connection] };
    carrier.sendSync(deep[0]);
    deep[0].close();
    expect(first.poll()).toBe(false);
    const again = receiver.recvSync() as Connection;
    again.sendSync('still there');
    expect(first.recvSync()).toBe('still there');
    again.close();
    expect(() => first.recvSync()).toThrow(EOFError);
    for (const end of [first, carrier, receiver]) end.close();
  });

  test('in a message that nobody reads are closed when its sender dies', () =>
    withPipe(async (first, second) => {
      using queue = new Queue();
      const agent = new Agent();
      await agent.call(queue, 'qsize');
      const sender = startChild('send-end.mjs', { args: [queue.handle, second.handle] });
      await sender.message();
      second.close();
      await until('it is in the queue', () => queue.qsize() === 1);
      expect(await first.poll({ timeout: 300 })).toBe(false);
      sender.kill('SIGKILL');
      await sender.exit;
      await expect(first.recv()).rejects.toThrow(EOFError);
      await agent.end();
    }));

  test('that are attached twice are one end, closed by the last', () =>
    withPipe((first, second) => {
      const twin = attach<Connection>(second);
      expect(twin.handle).toBe(second.handle);
      second.close();
      twin.sendSync(1);
      expect(first.recvSync()).toBe(1);
      expect(first.poll()).toBe(false);
      twin.close();
      expect(() => first.recvSync()).toThrow(EOFError);
    }));

  test('bring back what their handle says, and nothing of a handle that is damaged or of a pipe that is gone', () =>
    withPipe((first, second) => {
      const { handle } = first;
      for (const wrong of ['', ',', '-,-', 'x,y', `${handle.slice(21)},x`, handle.slice(21, -2)]) {
        expect(() => attach(`multiproc:connection:${wrong}`)).toThrow();
      }
      using back = attach<Connection>(handle);
      expect(back).toBeInstanceOf(Connection);
      first.close();
      back.close();
      second.close();
      expect(() => attach(handle)).toThrow(NotFoundError);
    }));

  test('after unlink() are attached no more, and go on', () =>
    withPipe((first, second) => {
      expect(first.unlink()).toBe(true);
      expect(second.unlink()).toBe(false);
      second.sendSync(1);
      expect(first.recvSync()).toBe(1);
    }));

  test('carry shared objects', () =>
    withPipe((first, second) => {
      const lock = new Lock();
      first.sendSync({ lock });
      lock.close();
      const got = second.recvSync() as { lock: Lock };
      expect(got.lock.tryAcquire()).toBe(true);
      got.lock.close();
    }));
});

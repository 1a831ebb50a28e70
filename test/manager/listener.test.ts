/** Listener and Client: who is let in, who is not, and what strangers cannot do. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type Address,
  AuthenticationError,
  Client,
  ClosedError,
  currentProcess,
  EOFError,
  ExistsError,
  Listener,
  NotFoundError,
  Pipe,
  Process,
  type SocketConnection,
  StateError,
  TimeoutError,
  VersionError,
  wait,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { echo, serve } from '../fixtures/socket-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { exactly, insider, stranger, withListener } from '../support/sockets.js';

expectNoLeftovers();

const families = [['AF_INET'], ['AF_UNIX']] as const;

/** A server that is none of the library's. */
async function withImpostor(
  onClient: (socket: Socket) => void,
  body: (address: Address) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    onClient(socket);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  try {
    await body({ host: '127.0.0.1', port });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function closeBoth(first: Promise<SocketConnection>, second: Promise<SocketConnection>): Promise<void> {
  for (const connection of await Promise.all([first, second])) connection.close();
}

describe('addresses', () => {
  test('without one it listens at a path that only this user can reach, and that is gone afterwards', async () => {
    const listener = new Listener();
    const path = listener.address as string;
    expect(dirname(dirname(path))).toBe(tmpdir());
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    await closeBoth(listener.accept(), Client(path));
    expect(String(listener)).toBe(`<Listener ${path}>`);
    listener.close();
    expect(existsSync(dirname(path))).toBe(false);
    await expect(Client(path)).rejects.toThrow(NotFoundError);
  });

  test('port 0 is any free port, which is known when it listens', async () => {
    const listener = new Listener({ address: { host: '127.0.0.1', port: 0 } });
    expect(() => listener.address).toThrow(StateError);
    expect(await listener.listening()).toBe(listener);
    const { port } = listener.address as { port: number };
    expect(port).toBeGreaterThan(0);
    expect(String(listener)).toBe(`<Listener 127.0.0.1:${port}>`);
    expect(listener.lastAccepted).toBeNull();
    const client = await Client(listener.address);
    const accepted = await listener.accept();
    expect(listener.lastAccepted).toEqual(accepted.remoteAddress);
    client.close();
    accepted.close();
    listener.close();
    await expect(Client({ host: '127.0.0.1', port })).rejects.toThrow(NotFoundError);
  });

  test.each(families)('an address of %s that is in use is an ExistsError', async (family) => {
    await withListener(
      async (listener) => {
        const second = new Listener({ address: listener.address });
        await expect(second.listening()).rejects.toThrow(ExistsError);
        await expect(second.accept()).rejects.toThrow(ExistsError);
        second.close();
        await closeBoth(listener.accept(), Client(listener.address));
      },
      { family },
    );
  });

  test('a file at a path that was given is left alone', async () => {
    const path = join(tmpdir(), `multiproc-test-${process.pid}-${randomBytes(6).toString('hex')}`);
    writeFileSync(path, 'precious');
    const listener = new Listener({ address: path });
    await expect(listener.listening()).rejects.toThrow(ExistsError);
    listener.close();
    expect(statSync(path).size).toBe(8);
    rmSync(path);
  });

  test.each([
    [{ family: 'AF_PIPE' }, RangeError],
    [{ family: 'AF_UNIX', address: { host: 'localhost', port: 0 } }, RangeError],
    [{ family: 'AF_INET', address: '/tmp/x' }, RangeError],
    [{ address: '' }, RangeError],
    [{ address: `/tmp/${'x'.repeat(103)}` }, RangeError],
    [{ address: 6000 }, TypeError],
    [{ address: { host: '', port: 1 } }, TypeError],
    [{ address: { host: 'localhost', port: 65_536 } }, RangeError],
    [{ authkey: 'text' }, TypeError],
    [{ maxMessage: 2 ** 32 }, RangeError],
    [{ handshakeTimeout: 0 }, RangeError],
    [{ maxStrangers: 0 }, RangeError],
  ])('%o is refused', (options, errorClass) => {
    expect(() => new Listener(options as never)).toThrow(errorClass);
  });

  test('Client refuses what is no address, and says when nobody listens', async () => {
    await expect(Client(null as never)).rejects.toThrow(TypeError);
    await expect(Client({ host: '127.0.0.1', port: 0 })).rejects.toThrow(RangeError);
    await expect(Client(join(tmpdir(), 'multiproc-no-such-path'))).rejects.toThrow(NotFoundError);
    await expect(Client('/tmp/x', { authkey: 'secret' as never })).rejects.toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') as unknown }),
    );
  });
});

describe('keys', () => {
  test.each(families)('a child connects with the key that it has inherited, over %s', async (family) => {
    await withListener(
      async (listener) => {
        const child = new Process({ target: echo, args: [listener.address] });
        child.start();
        const connection = await listener.accept({ timeout: 200_000 });
        await connection.send('?');
        expect(await connection.recv()).toBe('?');
        connection.close();
        expect(await child.join()).toBe(0);
      },
      { family },
    );
  });

  test('a child listens, and its parent connects', async () => {
    const [here, there] = Pipe();
    const child = new Process({ target: serve, args: [there, null, 2] });
    child.start();
    there.close();
    const address = (await here.recv({ timeout: 200_000 })) as Address;
    for (const count of [0, 1]) {
      const connection = await Client(address);
      expect(await connection.recv()).toEqual({ pid: child.pid, count });
      await expect(connection.recv()).rejects.toThrow(EOFError);
      connection.close();
    }
    expect(await child.join()).toBe(0);
    here.close();
  });

  test('who has another key is told so, and does not disturb who comes after', async () => {
    const authkey = Buffer.from('the key');
    await withListener(
      async (listener) => {
        const accepting = listener.accept();
        for (const wrong of [Buffer.from('the kez'), Buffer.alloc(0), undefined]) {
          await expect(Client(listener.address, { authkey: wrong })).rejects.toThrow(AuthenticationError);
        }
        await closeBoth(accepting, Client(listener.address, { authkey }));
        expect(await wait([listener], { timeout: 0 })).toEqual([]);
      },
      { family: 'AF_INET', authkey },
    );
  });

  test('an empty key is a key', async () => {
    const authkey = Buffer.alloc(0);
    await withListener(
      async (listener) => {
        await expect(Client(listener.address)).rejects.toThrow(AuthenticationError);
        await closeBoth(listener.accept(), Client(listener.address, { authkey }));
      },
      { authkey },
    );
  });

  test('the key of the current process is the default of both, and of its children', async () => {
    const before = currentProcess().authkey;
    try {
      currentProcess().authkey = Buffer.from('changed');
      await withListener(
        async (listener) => {
          await closeBoth(listener.accept(), Client(listener.address));
          const child = new Process({ target: echo, args: [listener.address] });
          child.start();
          (await listener.accept({ timeout: 200_000 })).close();
          expect(await child.join()).toBe(0);
        },
        { authkey: Buffer.from('changed') },
      );
    } finally {
      currentProcess().authkey = before;
    }
  });

  test('a listener that sends the proof of the client back has proved nothing', async () => {
    const reflect = (socket: Socket): void => {
      void (async () => {
        socket.write(Buffer.concat([Buffer.from('multiproc/1\n'), randomBytes(32)]));
        const answer = await exactly(socket, 64);
        socket.write(Buffer.concat([Buffer.from([1]), answer.subarray(32)]));
      })();
    };
    await withImpostor(reflect, async (address) => {
      await expect(Client(address)).rejects.toThrow(AuthenticationError);
    });
  });

  test('a client that sends the challenge and the proof of another connection back has proved nothing', async () => {
    await withListener(async (listener) => {
      // What a client of ours says to somebody in the middle, said to the listener with a later challenge.
      let recorded: Uint8Array = Buffer.alloc(0);
      const record = (socket: Socket): void => {
        void (async () => {
          socket.write(Buffer.concat([Buffer.from('multiproc/1\n'), randomBytes(32)]));
          recorded = await exactly(socket, 64);
          socket.destroy();
        })();
      };
      await withImpostor(record, async (address) => {
        await expect(Client(address)).rejects.toThrow(EOFError);
      });
      const socket = await stranger(listener.address);
      await exactly(socket, 44);
      socket.write(recorded);
      expect((await exactly(socket, 33))[0]).toBe(0);
      await once(socket.resume(), 'close');
      expect(await wait([listener], { timeout: 0 })).toEqual([]);
    });
  });

  test.each([
    ['HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', AuthenticationError],
    [`multiproc/9\n${'x'.repeat(32)}`, VersionError],
    ['', EOFError],
    [`multiproc/1\n${'x'.repeat(31)}`, EOFError],
  ])('a server that says %o and closes gives an error of its own', async (text, errorClass) => {
    await withImpostor(
      (socket) => socket.end(text),
      async (address) => {
        await expect(Client(address)).rejects.toThrow(errorClass);
      },
    );
  });
});

describe('waiting', () => {
  test('accept that is called off takes no client', async () => {
    await withListener(async (listener) => {
      await expect(listener.accept({ timeout: 0 })).rejects.toThrow(TimeoutError);
      await expect(listener.accept({ timeout: 1 })).rejects.toThrow(TimeoutError);
      const controller = new AbortController();
      const calledOff = listener.accept({ signal: controller.signal });
      const next = listener.accept();
      controller.abort(new Error('no more'));
      await expect(calledOff).rejects.toThrow('no more');
      await closeBoth(next, Client(listener.address));
    });
  });

  test('a client is let in before accept is called, and one that has gone by then is there to its end', async () => {
    await withListener(async (listener) => {
      const client = await Client(listener.address);
      await client.send('was here');
      client.close();
      const connection = await listener.accept();
      expect(await connection.poll({})).toBe(true);
      expect(await connection.recv()).toBe('was here');
      await expect(connection.recv()).rejects.toThrow(EOFError);
      connection.close();
    });
  });

  test('wait() takes listeners', async () => {
    await withListener(async (listener) => {
      const waiting = wait([listener]);
      const client = await Client(listener.address);
      expect(await waiting).toEqual([listener]);
      (await listener.accept()).close();
      client.close();
    });
  });

  test('close() rejects what is pending, drops who was not accepted, and ends the iteration', async () => {
    const listener = await new Listener({ family: 'AF_INET' }).listening();
    const { address } = listener;
    const seen: SocketConnection[] = [];
    const iterating = (async () => {
      for await (const connection of listener) seen.push(connection);
    })();
    const first = await Client(address);
    await first.send(1);
    const silent = await stranger(address);
    const pending = listener.accept();
    listener.close();
    listener.close();
    await expect(pending).rejects.toThrow(ClosedError);
    await iterating;
    expect(seen).toHaveLength(1);
    await once(silent.resume(), 'close');
    await expect(listener.accept()).rejects.toThrow(ClosedError);
    expect(() => listener.address).toThrow(ClosedError);
    // Who was accepted stays.
    expect(await seen[0]?.recv()).toBe(1);
    first.close();
    seen[0]?.close();
  });

  test('a client whose server says nothing gives up in time, or when it is called off', async () => {
    await withImpostor(
      () => undefined,
      async (address) => {
        await expect(Client(address, { timeout: 50 })).rejects.toThrow(TimeoutError);
        await expect(Client(address, { handshakeTimeout: 50 })).rejects.toThrow(TimeoutError);
        const controller = new AbortController();
        const connecting = Client(address, { signal: controller.signal });
        const reason = new Error('enough');
        controller.abort(reason);
        await expect(connecting).rejects.toBe(reason);
      },
    );
  });

  test('a listener and connections do not keep the program from ending, and leave no file', async () => {
    const child = startChild('listen-and-end.mjs');
    const [path, received] = (await child.message()) as [string, string];
    expect(received).toBe('arrives');
    expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(dirname(path))).toBe(false);
  });
});

describe('strangers', () => {
  test('who says nothing is dropped when the time is over', async () => {
    await withListener(
      async (listener) => {
        const accepting = listener.accept();
        const silent = await stranger(listener.address);
        await once(silent.resume(), 'close');
        await closeBoth(accepting, Client(listener.address));
      },
      { family: 'AF_INET', handshakeTimeout: 30 },
    );
  });

  test('of too many at once the oldest is dropped, and who knows the key comes through', async () => {
    await withListener(
      async (listener) => {
        const silent = [];
        for (let count = 0; count < 10; count += 1) silent.push(await stranger(listener.address));
        await closeBoth(listener.accept(), Client(listener.address));
        for (const socket of silent.slice(0, 7)) if (!socket.closed) await once(socket.resume(), 'close');
        expect(silent.slice(8).map((socket) => socket.closed)).toEqual([false, false]);
        for (const socket of silent) socket.destroy();
      },
      { family: 'AF_INET', maxStrangers: 3 },
    );
  });

  test('1,500 with random and mutated bytes do no harm, while a client is served', async () => {
    await withListener(
      async (listener) => {
        const child = new Process({ target: echo, args: [listener.address] });
        child.start();
        const served = await listener.accept({ timeout: 200_000 });
        const seed = randomBytes(4).readUInt32LE();
        const random = generator(seed);
        const heap = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;
        let before = 0;
        for (let round = 0; round < 150; round += 1) {
          if (round === 50) before = heap();
          await Promise.all(Array.from({ length: 10 }, () => disturb(listener.address, random)));
          await served.send({ seed, round });
          expect(await served.recv({ timeout: 200_000 })).toEqual({ seed, round });
        }
        expect(heap() - before).toBeLessThan(50_000_000);
        expect(await wait([listener], { timeout: 0 })).toEqual([]);
        await closeBoth(listener.accept(), Client(listener.address));
        served.close();
        expect(await child.join()).toBe(0);
      },
      { family: 'AF_INET', handshakeTimeout: 30, maxStrangers: 8 },
    );
  });

  test('who knows the key and then says random things ends its own connection only', async () => {
    await withListener(async (listener) => {
      const other = await insider(listener.address);
      const good = await listener.accept();
      const random = generator(randomBytes(4).readUInt32LE());
      for (let round = 0; round < 300; round += 1) {
        const socket = await insider(listener.address);
        const bad = await listener.accept();
        socket.end(mutated(validFrame, random));
        for (;;) {
          const outcome: unknown = await bad.recv().then(
            () => undefined,
            (error: unknown) => error,
          );
          if (outcome === undefined) continue;
          expect(outcome).toMatchObject({ code: expect.stringMatching(/^ERR_MULTIPROC_/) as unknown });
          if (!(outcome instanceof NotFoundError)) break;
        }
        bad.close();
      }
      await good.send('still here');
      good.close();
      other.destroy();
    });
  });
});

/** A value that takes the engine's way, with a handle of nothing. */
const validFrame = Buffer.from('00000000140eff0f6f2201612201624901220163490263027b01', 'hex');

/** Random numbers that a seed repeats. */
function generator(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 0) % below;
  };
}

function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = random(4); count >= 0; count -= 1) copy[random(copy.length)] = random(256);
  return copy.subarray(0, random(8) === 0 ? random(copy.length) : copy.length);
}

/** One stranger: says something, or a part of it, or too much of it, and goes away in one of several ways. */
async function disturb(address: Address, random: (below: number) => number): Promise<void> {
  const socket = connect({ ...(address as { host: string; port: number }) });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  const length = [0, 1, 63, 64, 65, 1000, 100_000][random(7)] ?? 0;
  const bytes = randomBytes(length);
  socket.resume();
  switch (random(4)) {
    case 0:
      socket.end(bytes);
      break;
    case 1:
      socket.write(bytes, () => socket.destroy());
      break;
    case 2:
      socket.write(bytes);
      socket.once('data', () => socket.destroy());
      break;
    default:
      // Stays until it is dropped.
      socket.write(bytes);
  }
  await closed;
}

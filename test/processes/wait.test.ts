import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import {
  type Connection,
  ClosedError,
  DirectionError,
  Event,
  JoinableQueue,
  Lock,
  Pipe,
  Process,
  Queue,
  SimpleQueue,
  StateError,
  wait,
  waitSync,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { exitWith, runForEver, sendLater, setLater } from '../fixtures/tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const forms = [
  ['wait', (objects: readonly object[], options?: { timeout?: number }) => wait(objects as never[], options)],
  ['waitSync', (objects: readonly object[], options?: { timeout?: number }) => waitSync(objects as never[], options)],
] as const;

describe.each(forms)('%s', (_form, waitFor) => {
  test('gives all that are ready, in their order, and takes nothing', async () => {
    const [near, far] = Pipe<number>();
    const objects = [
      new Queue<number>(),
      new SimpleQueue<number>(),
      new JoinableQueue<number>(),
      near,
      new Event(),
    ] as const;
    const [queue, simple, joinable, , event] = objects;
    expect(await waitFor(objects, { timeout: 0 })).toEqual([]);
    expect(await waitFor(objects, { timeout: -5 })).toEqual([]);
    event.set();
    joinable.putSync(3);
    expect(await waitFor(objects)).toEqual([joinable, event]);
    queue.putSync(1);
    simple.putSync(2);
    far.sendSync(4);
    expect(await waitFor(objects)).toEqual([...objects]);
    expect([queue.getNowait(), simple.getSync(), joinable.getNowait(), near.recvSync()]).toEqual([1, 2, 3, 4]);
    expect(await waitFor(objects)).toEqual([event]);
    event.clear();
    expect(await waitFor(objects, { timeout: 20 })).toEqual([]);
    far.close();
    for (const object of objects) object.close();
  });

  test('is woken by other processes, by any of many objects', async () => {
    const pipes = Array.from({ length: 12 }, () => Pipe<string>());
    const ours = pipes.map(([near]) => near);
    const theirs = pipes.map(([, far]) => far);
    const event = new Event();
    const child = new Process({ target: sendLater, args: [theirs, event] });
    child.start();
    for (const end of theirs) end.close();
    const texts: string[] = [];
    // Each sends a few messages and is closed by the end of the process.
    let open: (Connection<string> | Event | Process<never>)[] = [...ours, event, child];
    while (open.length > 0) {
      for (const ready of await waitFor(open)) {
        if (ready !== event && ready !== child) {
          try {
            texts.push((ready as Connection<string>).recvSync());
            continue;
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_MULTIPROC_EOF' });
          }
        }
        open = open.filter((object) => object !== ready);
      }
    }
    expect(texts.sort()).toEqual(ours.flatMap((_end, i) => [`${i} first`, `${i} second`]).sort());
    expect(child.exitCode).toBe(0);
    for (const object of [...ours, event]) object.close();
  });

  test('a process is ready when it has ended, so is its sentinel, however it ended', async () => {
    const running = new Event();
    const child = new Process({ target: runForEver, args: [running] });
    expect(() => waitSync([child as never])).toThrow(StateError);
    child.start();
    running.waitSync();
    expect(await waitFor([child, child.sentinel], { timeout: 10 })).toEqual([]);
    child.kill();
    expect(await waitFor([child])).toEqual([child]);
    expect(await waitFor([running, child.sentinel, child])).toEqual([running, child.sentinel, child]);
    running.close();
  });

  test('the other end of a pipe that was killed makes this one ready', async () => {
    const [near, far] = Pipe();
    const running = new Event();
    const child = new Process({ target: runForEver, args: [running, far] as never });
    child.start();
    far.close();
    running.waitSync();
    child.kill();
    expect(await waitFor([near])).toEqual([near]);
    expect(() => near.recvSync()).toThrow('nobody is left');
    child.joinSync();
    near.close();
    running.close();
  });

  test('an event that was set and cleared meanwhile has been noticed', async () => {
    const event = new Event();
    const queue = new Queue();
    const child = new Process({ target: setLater, args: [event] });
    child.start();
    expect(await waitFor([queue, event])).toEqual([event]);
    child.joinSync();
    event.close();
    queue.close();
  });

  test('refuses what cannot be waited for', async () => {
    const attempt = async (objects: readonly unknown[]): Promise<unknown> => waitFor(objects as never);
    const lock = new Lock();
    for (const object of [null, 5, {}, lock, Promise.resolve(1)])
      await expect(attempt([object])).rejects.toThrow(TypeError);
    await expect(attempt(5 as never)).rejects.toThrow(TypeError);
    const [receiving, sending] = Pipe({ duplex: false });
    await expect(attempt([sending])).rejects.toThrow(DirectionError);
    receiving.close();
    sending.close();
    await expect(attempt([receiving])).rejects.toThrow(ClosedError);
    expect(await waitFor([])).toEqual([]);
    lock.close();
  });
});

test('wait() takes sockets and other streams with the rest; waitSync() cannot', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const queue = new Queue<number>();
  expect(await wait([socket, queue], { timeout: 10 })).toEqual([]);
  client.write('hello');
  expect(await wait([queue, socket])).toEqual([socket]);
  expect(String(socket.read())).toBe('hello');
  queue.putSync(1);
  expect(await wait([socket, queue])).toEqual([queue]);
  queue.getNowait();
  client.end();
  socket.on('data', () => undefined);
  expect(await wait([socket, queue])).toEqual([socket]);
  expect(() => waitSync([new PassThrough()])).toThrow(TypeError);
  socket.destroy();
  server.close();
  queue.close();
});

test('wait() can be called off, and close() ends it', async () => {
  const [queue, event] = [new Queue(), new Event()];
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = wait([queue, event], { signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  // Between two looks, too.
  const late = new AbortController();
  const between = wait([queue, event], { signal: late.signal });
  queue.putSync(1);
  queue.getNowait();
  setImmediate(() => {
    late.abort(reason);
  });
  await expect(between).rejects.toBe(reason);
  const second = wait([queue, event]);
  queue.close();
  await expect(second).rejects.toThrow(ClosedError);
  event.close();
});

test('who waits for messages beside a wait() still gets them', async () => {
  const queue = new Queue<number>();
  const got = queue.get();
  const waiting = wait([queue], { timeout: 200_000 });
  const child = new Process({ target: exitWith, args: [0] });
  child.start();
  expect(waitSync([queue, child])).toEqual([child]);
  queue.putSync(1);
  expect(await got).toBe(1);
  queue.putSync(2);
  expect(await waiting).toEqual([queue]);
  expect(queue.getNowait()).toBe(2);
  queue.close();
});

/**
 * What queues and pipes of Python's multiprocessing do wrong, and these do not, each in short: D3 and so on are the numbers of
 * docs/from-python.md. Those of pools are in test/processes.
 */
import { readdirSync } from 'node:fs';
import {
  EOFError,
  Event,
  JoinableQueue,
  Lock,
  NotTransferableError,
  Pipe,
  Process,
  Queue,
  ShutDownError,
  SimpleQueue,
  TimeoutError,
  Value,
} from 'multiproc';
import { expect, test } from 'vitest';
import {
  bytesOfCalls,
  DeadlyToChildren,
  dieSending,
  dieWriting,
  putBadThenGood,
  readToEnd,
  receiveLarge,
  receiveOne,
} from '../fixtures/defect-tasks.mjs';
import { runForEver, tell } from '../fixtures/tasks.mjs';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

test('D3: others read on when a reader was killed in get(), and the message in its hand comes back', async () => {
  using queue = new Queue();
  const [waiting, reader] = [new Agent(), new Agent()];
  const lost = waiting.call(queue, 'getSync').catch(() => 'killed');
  await until('it waits', () => queue.stats().waiters === 1);
  await waiting.kill();
  expect(await lost).toBe('killed');
  queue.putSync(1);
  expect(await reader.call(queue, 'getSync')).toBe(1);
  await reader.end();

  using lock = new Lock();
  // With a shared object in it a message is consumed when it has been decoded, not before.
  queue.putSync([lock, new DeadlyToChildren()]);
  const decoding = new Process({ target: receiveOne, args: [queue] });
  decoding.start();
  expect(await decoding.join()).toBe(-9);
  const [theirs, bomb] = (await queue.get({ timeout: 200_000 })) as [Lock, unknown];
  expect(bomb).toBeInstanceOf(DeadlyToChildren);
  theirs.close();
});

test('D4: what a writer was killed in is absent, and what comes before and after it is whole', async () => {
  using queue = new Queue<Buffer>({ codec: 'raw' });
  const writer = new Process({ target: dieWriting, args: [queue] });
  writer.start();
  expect(await writer.join()).toBe(-9);
  queue.putSync(Buffer.from('next'));
  expect([String(await queue.get()), String(await queue.get())]).toEqual(['whole', 'next']);
  await until('its room is free', () => queue.empty() && queue.stats().bytesUsed === 0);

  const [ours, theirs] = Pipe<string>();
  const sender = new Process({ target: dieSending, args: [theirs] as never });
  sender.start();
  theirs.close();
  expect(await ours.recv()).toBe('whole');
  await expect(ours.recv()).rejects.toThrow(EOFError);
  expect(await sender.join()).toBe(-9);
  ours.close();
});

test('D5: a process can be joined before what it has put is read', async () => {
  using queue = new Queue<[Buffer]>();
  const bytes = Buffer.alloc(2 ** 20, 'text');
  const child = new Process({ target: tell, args: [queue, bytes] as never });
  child.start();
  expect(await child.join()).toBe(0);
  expect((await queue.get())[0].equals(bytes)).toBe(true);
});

test('D20: what cannot travel is refused by put(), and what is put next arrives, from a process that ends at once too', async () => {
  using queue = new Queue();
  expect(() => {
    queue.putSync(() => 1);
  }).toThrow(NotTransferableError);
  await expect(queue.put(() => 1)).rejects.toThrow(NotTransferableError);
  await queue.put('next');
  expect(queue.getNowait()).toBe('next');
  const child = new Process({ target: putBadThenGood, args: [queue] });
  child.start();
  expect(await child.join()).toBe(0);
  expect(queue.getNowait()).toBe('ERR_MULTIPROC_NOT_TRANSFERABLE');
});

test('D21: what put() has returned for is there, for empty(), qsize(), full() and getNowait()', async () => {
  using queue = new Queue<number>({ maxsize: 1 });
  const agent = new Agent();
  for (let round = 0; round < 200; round++) {
    expect([queue.empty(), queue.qsize(), queue.full()]).toEqual([true, 0, false]);
    await agent.call(queue, 'putSync', round);
    expect([queue.empty(), queue.qsize(), queue.full()]).toEqual([false, 1, true]);
    expect(queue.getNowait()).toBe(round);
  }
  await agent.end();
});

test('D23: a queue may be longer than 32,767 messages', () => {
  using queue = new Queue<number>({ maxsize: 40_000 });
  for (let i = 0; i < 40_000; i++) queue.putNowait(i);
  expect([queue.qsize(), queue.full()]).toEqual([40_000, true]);
  for (let i = 0; i < 40_000; i++) if (queue.getNowait() !== i) throw new Error(`message ${i} is another one`);
});

test('D24: shutdown() refuses puts, lets the rest be read, and ends those who wait', async () => {
  using queue = new Queue<string>();
  const agent = new Agent();
  const waiting = agent.call(queue, 'getSync');
  await until('it waits', () => queue.stats().waiters === 1);
  queue.shutdown();
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_MULTIPROC_SHUT_DOWN' });
  await agent.end();

  using other = new Queue<string>();
  other.putSync('rest');
  other.shutdown();
  expect(() => {
    other.putSync('more');
  }).toThrow(ShutDownError);
  expect(await other.get()).toBe('rest');
  await expect(other.get()).rejects.toThrow(ShutDownError);
});

test('D25: a queue that was closed leaves no descriptor, used or not; locks and values cost none at all', () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const queues = Array.from({ length: 200 }, () => new Queue<number>());
  for (const queue of queues.slice(100)) queue.putSync(1);
  expect(descriptors()).toBeLessThanOrEqual(before + queues.length);
  for (const queue of queues) queue.close();
  expect(descriptors()).toBe(before);
  const small = [0, 1, 2, 3, 4].flatMap(() => [new Lock(), new Event(), new Value('i')]);
  expect(descriptors()).toBe(before);
  for (const object of small) object.close();
});

test('D26: a large message is written once and read once, or handed over without any copy', async () => {
  const size = 2 ** 22;
  using copied = new Queue<Uint8Array>();
  using mapped = new Queue<Buffer>({ codec: 'raw', capacity: 4 * size });
  using answers = new Queue<number[]>();
  const bytes = Uint8Array.from({ length: size }, (_, i) => i);
  const child = new Process({ target: receiveLarge, args: [copied, mapped, answers] });
  child.start();
  await child.started;
  const before = bytesOfCalls();
  copied.putSync(bytes);
  const between = bytesOfCalls();
  const slot = mapped.reserveSync(size);
  slot.bytes.set(bytes);
  slot.commit();
  const after = bytesOfCalls();
  const [copiedThere = Infinity, mappedThere = Infinity] = await answers.get();
  // What else these processes read and write is no multiple of the message.
  const little = 2 ** 20;
  expect(Math.max(between - before, copiedThere)).toBeLessThan(size + little);
  expect(Math.max(after - between, mappedThere)).toBeLessThan(little);
  expect(await child.join()).toBe(0);
});

test('D27: locks, events, queues and ends of pipes go through queues, and are the same ones there', async () => {
  using queue = new Queue();
  using answers = new Queue<{ sum: number }>();
  using lock = new Lock();
  using running = new Event();
  const [ours, theirs] = Pipe<string>();
  queue.putSync([lock, running, answers, theirs]);
  theirs.close();
  const [lockThere, eventThere, queueThere, endThere] = (await queue.get()) as [
    Lock,
    Event,
    Queue<number>,
    typeof theirs,
  ];
  expect(lockThere.tryAcquire()).toBe(true);
  expect(lock.locked()).toBe(true);
  lock.release();
  eventThere.set();
  expect(running.isSet()).toBe(true);
  queueThere.putSync(1);
  expect(answers.getNowait()).toBe(1);
  endThere.sendSync('here');
  expect(ours.recvSync()).toBe('here');
  for (const object of [lockThere, eventThere, queueThere, endThere, ours]) object.close();
});

test('D36: a reader is told of the end although its process has had both ends, and others were started meanwhile', async () => {
  using seen = new Queue();
  using running = new Event();
  const [reading, writing] = Pipe<number>({ duplex: false });
  const reader = new Process({ target: readToEnd, args: [reading, seen] as never });
  const bystander = new Process({ target: runForEver, args: [running] });
  reader.start();
  bystander.start();
  await running.wait();
  writing.sendSync(1);
  writing.close();
  expect(await reader.join()).toBe(0);
  expect([seen.getManySync(), bystander.isAlive()]).toEqual([[1, 'end'], true]);
  bystander.kill();
  await bystander.join();
  reading.close();
});

test('D37: recv(), JoinableQueue.join() and SimpleQueue.get() end in time, blocking or not', async () => {
  const [ours, theirs] = Pipe<string>();
  using simple = new SimpleQueue<string>();
  using joinable = new JoinableQueue<string>();
  joinable.putSync('unfinished');
  await expect(ours.recv({ timeout: 10 })).rejects.toThrow(TimeoutError);
  await expect(simple.get({ timeout: 10 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_EMPTY' });
  await expect(joinable.join({ timeout: 10 })).rejects.toThrow(TimeoutError);
  const agent = new Agent();
  for (const [object, method, code] of [
    [ours, 'recvSync', 'ERR_MULTIPROC_TIMEOUT'],
    [simple, 'getSync', 'ERR_MULTIPROC_EMPTY'],
    [joinable, 'joinSync', 'ERR_MULTIPROC_TIMEOUT'],
  ] as const)
    await expect(agent.call(object, method, { timeout: 10 })).rejects.toMatchObject({ code });
  await agent.end();
  ours.close();
  theirs.close();
});

test('D38: join() of a queue shows what a dead worker left unfinished, and a task that was taken is done by the next', async () => {
  using queue = new JoinableQueue<string>();
  queue.putSync('got');
  const worker = new Agent();
  expect(await worker.call(queue, 'getSync')).toBe('got');
  await worker.kill();
  await expect(queue.join({ timeout: 10 })).rejects.toThrow(TimeoutError);
  expect(queue.unfinished).toBe(1);
  queue.taskDone();

  queue.putSync('taken');
  const killed = startChild('die-with-job.mjs', { args: [queue.handle] });
  expect((await killed.exit).signal).toBe('SIGKILL');
  const job = await queue.take({ timeout: 200_000 });
  expect([job.value, job.attempts]).toEqual(['taken', 2]);
  job.done();
  await queue.join({ timeout: 200_000 });
});

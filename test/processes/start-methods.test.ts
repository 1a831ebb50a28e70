/** What processes do that are processes and what those do that are threads: the same tests for both start methods. */
import { fileURLToPath } from 'node:url';
import {
  EOFError,
  Event,
  getStartMethod,
  Lock,
  Pipe,
  Process,
  type ProcessOptions,
  Queue,
  RemoteError,
  setStartMethod,
  StateError,
  Value,
} from 'multiproc';
import { beforeAll, describe, expect, test } from 'vitest';
import { Carrier, Point, Squares, UpperCaser } from '../fixtures/process-classes.mjs';
import { catchIt, exitWith, fail, failStrangely, handleItself, runForEver, tell } from '../fixtures/tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const fixtures = new URL('../fixtures/', import.meta.url);

/** Runs `body` with a queue that is closed afterwards. */
async function withQueue(body: (queue: Queue<never>) => Promise<void>): Promise<void> {
  const queue = new Queue<never>();
  try {
    await body(queue);
  } finally {
    queue.close();
  }
}

/** Runs a whole process; gives it back ended. */
async function run<A extends readonly unknown[]>(options: ProcessOptions<A>): Promise<Process<A>> {
  const child = new Process(options);
  child.start();
  await child.join();
  return child;
}

describe.each(['spawn', 'thread'] as const)('by %s', (method) => {
  beforeAll(() => {
    setStartMethod(method, { force: true });
    expect(getStartMethod()).toBe(method);
  });

  test('shared objects among the arguments, at any depth, stay shared; the rest is copied', () =>
    withQueue(async (queue) => {
      const total = new Value('i', 1);
      const lock = new Lock();
      const args = [{ deep: [new Map([['total', total]])] }, lock, [1], undefined, null, 10n ** 30n] as const;
      const child = new Process({ target: tell, args: [queue, ...args] });
      child.start();
      const [received, theirLock, ...rest] = (await queue.get()) as unknown as [
        { deep: Map<string, Value<number>>[] },
        Lock,
        ...unknown[],
      ];
      expect(rest).toEqual([[1], undefined, null, 10n ** 30n]);
      const theirs = received.deep[0]?.get('total');
      theirs?.add(41);
      expect(total.value).toBe(42);
      lock.acquireSync();
      expect(theirLock.acquireSync({ timeout: 0 })).toBe(false);
      lock.release();
      await child.join();
      for (const object of [total, lock, theirLock, theirs]) object?.close();
    }));

  test('an end of a pipe that was an argument is the child’s alone, for a thread that blocks too', () => {
    const [near, far] = Pipe<string>();
    const child = new Process({ target: exitWith, args: [0, far] as never });
    child.start();
    far.close();
    expect(() => near.recvSync()).toThrow(EOFError);
    child.joinSync();
    near.close();
  });

  test('kwargs arrive as one object in last place', () =>
    withQueue(async (queue) => {
      await run({ target: tell, args: [queue, 1], kwargs: { two: 2 } });
      expect(await queue.get()).toEqual([1, { two: 2 }]);
      await run({ target: { module: new URL('tasks.mjs', fixtures).href }, args: [queue, 'default export'] });
      expect(await queue.get()).toEqual(['default export']);
      await run({
        target: { module: fileURLToPath(new URL('tasks.mjs', fixtures)), name: 'tell' },
        args: [queue, 'path'],
      });
      expect(await queue.get()).toEqual(['path']);
    }));

  test.each([
    [0, 0],
    [1, 1],
    [255, 255],
    [300, 44],
    [-1, 255],
  ])('process.exit(%i) is exit code %i', async (code, expected) => {
    expect((await run({ target: exitWith, args: [code] })).exitCode).toBe(expected);
  });

  test.each([
    ['error', { name: 'TaskFailure', message: 'it failed', code: 'E_TASK', detail: 42 }],
    ['cause', { name: 'RangeError', message: 'outer', cause: { name: 'TypeError', message: 'inner' } }],
    ['rejection', { name: 'TypeError', message: 'rejected' }],
    ['later', { name: 'Error', message: 'in a timer' }],
    ['unhandled rejection', { name: 'Error', message: 'nobody caught it' }],
  ])('the parent is told of an uncaught %s', async (how, expected) => {
    const child = await run({ target: fail, args: [how], stdio: ['ignore', 'inherit', 'ignore'] });
    expect(child.exitCode).toBe(1);
    expect(child.error).toMatchObject(expected);
    expect(child.error).toBeInstanceOf(Error);
    expect((child.error as RemoteError).remoteStack).toContain('tasks.mjs');
  });

  test('what is thrown and is no error, or cannot travel, arrives as a RemoteError', async () => {
    const text = await run({ target: fail, args: ['text'], stdio: 'ignore' });
    expect(text.error).toBeInstanceOf(RemoteError);
    expect(text.error).toMatchObject({ cause: 'no error at all' });
    const other = await run({ target: fail, args: ['untransferable'], stdio: 'ignore' });
    expect(other.error).toBeInstanceOf(RemoteError);
    expect(other.error?.message).toContain('has a function');
  });

  test.each(['a getter that throws', 'an object that dies with it'])(
    'an error with %s arrives with what it says',
    async (how) => {
      const child = await run({ target: failStrangely, args: [how], stdio: 'ignore' });
      expect(child.error).toBeInstanceOf(RemoteError);
      expect(child.error?.message).toBe('Error: real message');
      expect((child.error as RemoteError).remoteStack).toContain('tasks.mjs');
    },
  );

  test('an error that the child handles itself is none', async () => {
    expect(await run({ target: handleItself })).toMatchObject({ exitCode: 0, error: null });
  });

  test('the error is there with the exit code, whoever waits for the start at the same time', () => {
    const child = new Process({ target: fail, args: ['error'], stdio: 'ignore' });
    child.start();
    void child.started;
    expect(child.joinSync()).toBe(1);
    expect(child.error).toMatchObject({ name: 'TaskFailure' });
  });

  test('an uncaught error is printed by the child, with its name; a caught one is not', async () => {
    const child = new Process({ target: fail, args: ['error'], name: 'Failing', stdio: ['ignore', 'inherit', 'pipe'] });
    child.start();
    const printed: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => printed.push(text));
    await child.join();
    await until('the end of the output', () => child.stderr?.readableEnded === true);
    expect(printed.join('')).toMatch(/^Process Failing:\nTaskFailure: it failed\n {4}at .*tasks\.mjs/);

    const caught = new Process({ target: catchIt, stdio: ['ignore', 'pipe', 'inherit'] });
    caught.start();
    const output = await caught.stdout?.toArray();
    expect(String(output)).toBe('Exception in process: An error occurred!\n');
    expect(await caught.join()).toBe(0);
    expect(caught.error).toBeNull();
  });

  test.each([
    ['terminate', -15, 'SIGTERM'],
    ['kill', -9, 'SIGKILL'],
    ['interrupt', -2, 'SIGINT'],
  ] as const)('%s ends it with %i', async (how, exitCode, signalCode) => {
    const running = new Event();
    const child = new Process({ target: runForEver, args: [running] });
    expect(() => {
      child[how]();
    }).toThrow(StateError);
    child.start();
    await running.wait();
    expect(await child.join({ timeout: 0 })).toBeNull();
    expect(await child.join({ timeout: -1 })).toBeNull();
    expect(child.joinSync({ timeout: 20 })).toBeNull();
    expect(await child.join({ timeout: 20 })).toBeNull();
    child[how]();
    expect(await child.join()).toBe(exitCode);
    expect(child).toMatchObject({ exitCode, signalCode, error: null });
    child[how]();
    running.close();
  });

  test('a waiter can be called off, and the process goes on', async () => {
    const running = new Event();
    const child = new Process({ target: runForEver, args: [running] });
    child.start();
    await running.wait();
    const reason = new Error('enough');
    const controller = new AbortController();
    const joining = child.join({ signal: controller.signal });
    controller.abort(reason);
    await expect(joining).rejects.toBe(reason);
    await expect(child.join({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(child.isAlive()).toBe(true);
    child.kill();
    await child.join();
    running.close();
  });

  test('fields travel, methods come from the class, the constructor is not run again', () =>
    withQueue(async (queue) => {
      const child = new Squares({ queue, n: 12 });
      child.start();
      expect(await queue.get()).toEqual([144, 'squares of 12: 12', true]);
      expect(await child.join()).toBe(0);
    }));

  test('a pipe end as a field', async () => {
    const [ours, theirs] = Pipe();
    const child = new UpperCaser(theirs);
    child.start();
    theirs.close();
    await ours.send('hello');
    await ours.send('world');
    await ours.send(null);
    expect([await ours.recv(), await ours.recv()]).toEqual(['HELLO', 'WORLD']);
    expect(await child.join()).toBe(0);
    ours.close();
    child.connection.close();
  });

  test('fields may be of classes that the same module registers', () =>
    withQueue(async (queue) => {
      const child = new Carrier(new Point(3), queue);
      child.start();
      expect(await queue.get()).toEqual([true, 3]);
      await child.join();
    }));

  test('with drain: false it exits when run() has ended, whatever is pending', async () => {
    expect((await run({ target: runForEver, drain: false })).exitCode).toBe(0);
  });
});

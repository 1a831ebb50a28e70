/** Processes that are threads of this one. What they have in common with others, `process.test.ts` tests for both. */
import { text } from 'node:stream/consumers';
import {
  Lock,
  Process,
  type ProcessOptions,
  type ProcessSettings,
  Queue,
  StateError,
  task,
  wait,
  waitSync,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { exitWith } from '../fixtures/tasks.mjs';
import {
  failLate,
  holdAndBlock,
  holdAndRunForEver,
  spin,
  startInner,
  tellThread,
  useUpMemory,
  waitIn,
} from '../fixtures/thread-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { makeThings } from '../support/thread-waits.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const startMethod = 'thread';

async function run<A extends readonly unknown[]>(options: ProcessOptions<A>): Promise<Process<A>> {
  const child = new Process<A>({ ...options, startMethod });
  child.start();
  await child.join();
  return child;
}

describe('a thread', () => {
  test('runs in this process, with its own environment variables, and says so on its parent’s streams', async () => {
    using queue = new Queue();
    const env = { MULTIPROC_TEST: 'for it', UNSET: undefined };
    const child = new Process({
      target: tellThread,
      args: [queue],
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      startMethod,
    });
    child.start();
    expect(child.pid).toBe(process.pid);
    if (child.stdout === null) throw new Error('no stream');
    expect(await text(child.stdout)).toBe('said\n');
    expect(await child.join()).toBe(0);
    expect(queue.getNowait()).toEqual([false, 'for it', process.execArgv]);
  });

  test.each(['spawn', 'thread'] as const)('has children of its own, by %s', async (inner) => {
    using queue = new Queue();
    const child = await run({ target: startInner, args: [queue, inner], name: 'outer' });
    expect([child.exitCode, child.error]).toEqual([0, null]);
    expect(queue.getNowait()).toEqual([inner === 'spawn', undefined, expect.any(Array)]);
    expect(queue.getNowait()).toEqual([expect.stringMatching(/^Process-\d+:1$/), inner === 'thread', 0]);
  });

  test.each([
    ['terminate', -15, 'SIGTERM'],
    ['kill', -9, 'SIGKILL'],
    ['interrupt', -2, 'SIGINT'],
  ] as const)(
    'is ended by %s() with %i, whatever it does, and what it held is free when it has ended',
    async (how, code, name) => {
      for (const isBlocked of [false, true]) {
        using lock = new Lock();
        using empty = new Queue();
        const child = isBlocked
          ? new Process({ target: holdAndBlock, args: [lock, empty], startMethod })
          : new Process({ target: holdAndRunForEver, args: [lock], startMethod });
        child.start();
        await until('its lock', () => lock.locked());
        child[how]();
        expect(child.joinSync()).toBe(code);
        expect([child.exitCode, child.signalCode, child.error]).toEqual([code, name, null]);
        const hold = lock.holdSync({ timeout: 0 });
        expect(hold.ownerDied).toBe(true);
        hold[Symbol.dispose]();
      }
    },
  );

  test('that is terminated before it begins has ended', () => {
    for (let i = 0; i < 10; i++) {
      const child = new Process({ target: spin, startMethod });
      child.start();
      child.kill();
      expect(child.joinSync()).toBe(-9);
    }
  });

  test('is waited for as a process is, without an event loop too', async () => {
    const start = (code: number): Process => {
      const child: Process = new Process({ target: exitWith, args: [code], startMethod });
      child.start();
      return child;
    };
    expect(start(3).joinSync()).toBe(3);
    expect(start(300).joinSync()).toBe(44);
    const first = start(0);
    expect(waitSync([first])).toEqual([first]);
    const second = start(5);
    expect(await wait([second.sentinel])).toEqual([second.sentinel]);
    expect(await second.sentinel).toBe(5);
    const third = start(0);
    expect(third.joinSync({ timeout: 0 })).toBeNull();
    expect(await third.join()).toBe(0);
  });

  test('whose error nobody catches prints it, and hands it to its parent', async () => {
    const child = new Process({ target: failLate, stdio: ['ignore', 'inherit', 'pipe'], name: 'late', startMethod });
    child.start();
    if (child.stderr === null) throw new Error('no stream');
    expect(await text(child.stderr)).toMatch(/^Process late:\nRangeError: late\n/);
    expect(await child.join()).toBe(1);
    expect(child.error).toBeInstanceOf(RangeError);
  });

  test('that uses up its memory is ended, and nothing else', async () => {
    const child = await run({ target: useUpMemory, maxMemory: 16 * 2 ** 20 });
    expect(child.exitCode).toBe(1);
    expect(child.error).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
  });

  test.each([
    ['has too little memory for that', { maxMemory: 2 ** 20 }],
    ['has too little memory for the library', { maxMemory: 4 * 2 ** 20 }],
    ['must import what does not exist', { execArgv: ['--import', '/nowhere/to/be/found.mjs'] }],
  ])(
    'that ends before it begins, since it %s, is known to have ended without an event loop too',
    async (_why, options) => {
      const start = (): Process => {
        const child: Process = new Process({ ...options, target: spin, startMethod, stdio: 'ignore' });
        child.start();
        return child;
      };
      const child = start();
      expect(child.joinSync()).toBe(1);
      expect([child.exitCode, child.signalCode, child.isAlive()]).toEqual([1, null, false]);
      // Why, Node tells the event loop.
      await until('the error', () => child.error !== null);
      expect(child.error).toMatchObject({ code: expect.stringMatching(/MEMORY|NOT_FOUND/) as string });
      const [second, third] = [start(), start()];
      expect(waitSync([second])).toEqual([second]);
      await third.started;
      expect([await second.join(), await third.join()]).toEqual([1, 1]);
    },
  );

  test.each([
    'Queue.getSync',
    'Queue.putSync',
    'Connection.recvSync',
    'JoinableQueue.joinSync',
    'Lock.acquireSync',
    'Semaphore.acquireSync',
    'Event.waitSync',
    'Condition.waitSync',
    'Barrier.waitSync',
    'waitSync',
    'Process.joinSync',
  ])('is ended by terminate() in %s', (which) => {
    const { things, close } = makeThings();
    const child = new Process({ target: waitIn, args: [which, things], startMethod });
    child.start();
    things.begun.waitSync();
    child.terminate();
    expect(child.joinSync()).toBe(-15);
    close();
  });

  test('that is a daemon is ended with main, begun or not', async () => {
    const { code, stdout, stderr } = await startChild('mains/thread-daemon.mjs').exit;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'main ends\n', stderr: '' });
  });
});

test.each([
  ['a folder', { cwd: '/' }],
  ['a descriptor', { stdio: ['ignore', 1, 'inherit'] }],
  ['an input', { stdio: 'inherit' }],
  ['options of V8', { execArgv: ['--max-old-space-size=100'] }],
] as [string, ProcessSettings][])(
  'a thread cannot have %s of its own: refused at start(), and nothing is left',
  (_what, options) => {
    const child = new Process({ ...options, target: nothing, startMethod });
    expect(() => {
      child.start();
    }).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_MULTIPROC_ARGUMENT' }) as Error);
    expect([child.pid, child.isAlive()]).toEqual([null, false]);
  },
);

const nothing = task(import.meta, function nothing() {
  // Never run.
});

test('a thread’s tree is this process’s, and left alone', async () => {
  const child = new Process({ target: spin, startMethod });
  child.start();
  await child.started;
  expect(() => {
    child.kill({ tree: true });
  }).toThrow(StateError);
  child.kill();
  expect(await child.join()).toBe(-9);
});

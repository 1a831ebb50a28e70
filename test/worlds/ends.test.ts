/**
 * Processes that end in the middle: with operations pending, holding a lock, having just put something.
 */
import { existsSync } from 'node:fs';
import { Barrier, Condition, Event, Lock, Queue, Semaphore } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { collectGarbage, listSegments, withLimits } from '../support/worlds.js';

expectNoLeftovers();

interface Way {
  readonly way: string;
  readonly code?: number;
  readonly signal?: string;
  /** What is said about the end. */
  readonly stderr?: RegExp;
  /** Does nothing of the library run in the end? */
  readonly abrupt?: boolean;
  readonly released?: boolean;
}

const ways: readonly Way[] = [
  { way: 'exit', code: 3 },
  { way: 'exit in a callback', code: 3 },
  { way: 'exit with a listener', code: 3, released: true },
  { way: 'exit with a blocked thread', code: 3 },
  { way: 'throw', code: 1, stderr: /Error: on purpose/ },
  { way: 'reject', code: 1, stderr: /Error: on purpose/ },
  { way: 'throw in a thread', code: 1, stderr: /Error: on purpose/ },
  { way: 'abort', signal: 'SIGABRT', abrupt: true, stderr: /^/ },
  { way: 'SIGTERM', signal: 'SIGTERM', abrupt: true },
  { way: 'SIGKILL', signal: 'SIGKILL', abrupt: true },
];

test.each(ways)(
  'the end by $way is Node’s, what was put is there, the lock goes on, and nothing stays behind',
  async ({ way, code = null, signal = null, stderr = /^$/, abrupt = false, released = false }) => {
    using lock = new Lock();
    using held = new Lock();
    using put = new Queue<string>();
    using empty = new Queue<string>();
    using full = new Queue<string>({ maxsize: 1 });
    using event = new Event();
    using semaphore = new Semaphore(0);
    using condition = new Condition();
    using barrier = new Barrier(2);
    using go = new Queue<string>();
    held.acquireSync();
    full.putSync('first');
    const shared = { lock, held, put, empty, full, event, semaphore, condition, barrier, go };
    const handles = Object.fromEntries(Object.entries(shared).map(([key, { handle }]) => [key, handle]));
    const name = `ends-${process.pid}-${ways.findIndex((each) => each.way === way)}`;
    const child = startChild('end-midway.mjs', { args: [way, JSON.stringify(handles), name], within: withLimits({}) });
    expect(await child.message()).toBe('ready');
    go.putSync('go');
    const waiting = held.acquire();
    const exit = await child.exit;
    expect({ code: exit.code, signal: exit.signal }).toEqual({ code, signal });
    expect(exit.stderr).toMatch(stderr);

    expect(put.getManySync()).toEqual(released ? ['just before', 'while exiting'] : ['just before']);
    expect(lock.acquireSync({ timeout: 200_000 })).toBe(true);
    expect(lock.ownerDied).toBe(!released);
    lock.release();
    expect(lock.acquireSync({ timeout: 0 })).toBe(true);
    expect(lock.ownerDied).toBe(false);
    lock.release();

    // Nothing that was pending there happens, or takes anything away.
    held.release();
    expect(await waiting).toBe(true);
    held.release();
    expect(full.getManySync()).toEqual(['first']);
    empty.putSync('for us');
    expect(await empty.get({ timeout: 200_000 })).toBe('for us');
    semaphore.release();
    expect(semaphore.acquireSync({ timeout: 200_000 })).toBe(true);
    expect(condition.acquireSync({ timeout: 200_000 })).toBe(true);
    condition.release();
    // It had arrived: who comes now neither passes with its help nor waits for it.
    await expect(barrier.wait()).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_BARRIER' });

    const file = `/dev/shm/multiproc.${process.geteuid?.() ?? 0}.${name}`;
    if (abrupt) collectGarbage();
    expect(existsSync(file)).toBe(false);
    const left = listSegments().filter(
      ({ participants }) =>
        participants.some(({ pid }) => pid === child.pid) && !participants.some(({ alive }) => alive),
    );
    expect(left).toEqual([]);
  },
);

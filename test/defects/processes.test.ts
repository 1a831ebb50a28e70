/** What processes of Python's multiprocessing do wrong, and these do not: see `channels.test.ts`. */
import { Worker } from 'node:worker_threads';
import {
  Barrier,
  Condition,
  Event,
  getAllStartMethods,
  Lock,
  MultiprocError,
  OwnerError,
  Process,
  RLock,
  setStartMethod,
  StateError,
} from 'multiproc';

import { expect, test } from 'vitest';
import { shoutFromThreads } from '../fixtures/defect-tasks.mjs';
import { exitWith, fail, runForEver } from '../fixtures/tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

test('D33: the parent has the error that ended a child, with its stack there', async () => {
  const child = new Process({ target: fail, args: ['error'], stdio: 'ignore' });
  child.start();
  expect(await child.join()).toBe(1);
  expect(child.error).toMatchObject({
    name: 'TaskFailure',
    message: 'it failed',
    code: 'E_TASK',
    remoteStack: expect.stringContaining('tasks.mjs') as string,
  });
});

test('D34: all who join at once get the exit code', async () => {
  const child = new Process({ target: exitWith, args: [7] });
  child.start();
  const joins = [child.join(), child.join({ timeout: 200_000 }), child.sentinel, child.join()];
  expect(child.joinSync()).toBe(7);
  expect(await Promise.all(joins)).toEqual([7, 7, 7, 7]);
  expect(child.exitCode).toBe(7);
});

test('D39: there is no fork, and threads of the parent that hold locks hinder no child', async () => {
  expect(getAllStartMethods()).not.toContain('fork');
  expect(() => {
    setStartMethod('fork' as never);
  }).toThrow(RangeError);
  using lock = new Lock();
  using event = new Event();
  const thread = new Worker(new URL('../fixtures/worker-thread.mjs', import.meta.url), {
    workerData: { lock: lock.handle, event: event.handle, block: true },
  });
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  await new Promise((resolve) => thread.once('message', resolve));
  const child = new Process({ target: exitWith, args: [0] });
  child.start();
  expect(await child.join({ timeout: 200_000 })).toBe(0);
  event.set();
  await ended;
});

test('D46: children that print from several threads while they end, end, with all that they printed', async () => {
  const text = `${'x'.repeat(20_000)}\n`;
  const children = [1, 2, 3].map(() => new Process({ target: shoutFromThreads, args: [text], stdio: 'pipe' }));
  for (const child of children) child.start();
  for (const child of children) {
    const [output, errors] = await Promise.all([child.stdout?.toArray(), child.stderr?.toArray()]);
    expect([String(output?.join('')), String(errors)]).toEqual([text.repeat(3), '']);
    expect(await child.join()).toBe(0);
  }
});

test('D47: daemons are ended after the children that are none', async () => {
  const { code, stdout } = await startChild('mains/order-of-ends.mjs', { args: ['return'] }).exit;
  expect(code).toBe(0);
  const lines = stdout.split('\n');
  // Exit codes of the child and of the daemon, as a hook sees them that comes after both.
  expect(lines).toContain('later 0 -15');
  expect(lines.indexOf('child')).toBeLessThan(lines.indexOf('later 0 -15'));
  expect(lines).toContain('main ends true');
});

test('D49: misuse is a typed error, at once', async () => {
  const child = new Process({ target: runForEver });
  for (const misuse of [
    () => {
      child.terminate();
    },
    () => child.joinSync(),
    () => child.sentinel,
  ])
    expect(misuse).toThrow(StateError);
  child.start();
  expect(() => {
    child.start();
  }).toThrow(StateError);
  expect(() => {
    child.close();
  }).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_STATE' }));
  child.kill();
  await child.join();

  for (const parties of [0, -1, 1.5, NaN]) expect(() => new Barrier(parties)).toThrow(RangeError);
  using lock = new RLock();
  expect(() => {
    lock.release();
  }).toThrow(MultiprocError);
  using condition = new Condition();
  expect(() => {
    condition.notify();
  }).toThrow(OwnerError);
});

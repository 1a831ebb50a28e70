/** What children hold when they are killed. Nothing here waits for it, so no slice finds the death. */
import { Event, JoinableQueue, Lock, Process, wait, waitSync } from 'multiproc';
import { expect, test } from 'vitest';
import { holdThings } from '../fixtures/hold-things.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

type Holder = Process<Parameters<typeof holdThings>>;

const ways: Readonly<Record<string, (child: Holder) => unknown>> = {
  'join()': (child) => child.join(),
  'joinSync()': (child) => child.joinSync(),
  'wait()': (child) => wait([child]),
  'waitSync()': (child) => waitSync([child]),
  sentinel: (child) => child.sentinel,
  exitCode: (child) => until('the end of the child', () => child.exitCode !== null),
};

test.each(Object.keys(ways))('what a killed child held is free as soon as %s has told of its end', async (way) => {
  using lock = new Lock();
  using jobs = new JoinableQueue<string>();
  using held = new Event();
  jobs.putSync('job');
  const child = new Process({ target: holdThings, args: [lock, jobs, held] });
  child.start();
  await held.wait();
  // These three look, and do not look for dead processes.
  expect(String(lock)).toBe(`<Lock(owner=SomeOtherProcess pid=${child.pid})>`);
  expect(jobs.stats().busyPids).toEqual([child.pid]);
  expect(jobs.qsize()).toBe(0);

  child.kill();
  await ways[way]?.(child);
  expect(child.signalCode).toBe('SIGKILL');
  expect(String(lock)).toBe('<Lock(owner=None)>');
  expect(jobs.stats().busyPids).toEqual([]);
  expect(jobs.qsize()).toBe(1);

  expect(lock.acquireSync({ timeout: 0 })).toBe(true);
  expect(lock.ownerDied).toBe(true);
  lock.release();
  const again = jobs.takeSync({ timeout: 0 });
  expect(again).toMatchObject({ value: 'job', attempts: 2 });
  again.done();
});

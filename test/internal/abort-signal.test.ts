/** One signal for many operations. */
import { getEventListeners } from 'node:events';
import { Event, Lock, Pool, Process, Queue } from 'multiproc';
import { expect, test } from 'vitest';
import { spin } from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

/** Those that Node prints while it runs. */
async function warningsDuring(body: () => Promise<void>): Promise<string[]> {
  const names: string[] = [];
  const onWarning = ({ name }: Error): void => {
    names.push(name);
  };
  process.on('warning', onWarning);
  try {
    await body();
    // They are emitted in the next turn.
    await new Promise(setImmediate);
  } finally {
    process.off('warning', onWarning);
  }
  return names;
}

const many = Array.from({ length: 12 }, (_, i) => i);

test('a signal calls off any number of operations at once, without a warning, and keeps no listener', async () => {
  using lock = new Lock();
  using event = new Event();
  using queue = new Queue<number>();
  const child = new Process({ target: spin });
  child.start();
  const pool = new Pool(1);
  lock.acquireSync();
  const warnings = await warningsDuring(async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const calls = many.flatMap(() => [
      lock.acquire({ signal }),
      event.wait({ signal }),
      queue.get({ signal }),
      child.join({ signal }),
      pool.apply(spin, [], { signal }),
      pool.map(spin, [undefined], { signal }),
    ]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    controller.abort('called off');
    expect(await Promise.allSettled(calls)).toEqual(calls.map(() => ({ status: 'rejected', reason: 'called off' })));
  });
  expect(warnings).toEqual([]);
  lock.release();
  child.kill();
  await pool.terminate();
  await child.join();
  await pool.join();
});

test('what has ended before is not called off, and leaves no listener', async () => {
  using queue = new Queue<number>();
  const controller = new AbortController();
  const gets = many.map(() => queue.get({ signal: controller.signal }));
  for (const i of many) queue.putSync(i);
  expect(await Promise.all(gets)).toEqual(many);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  controller.abort();
  // And it can be listened to again.
  const second = new AbortController();
  const late = queue.get({ signal: second.signal });
  second.abort('now');
  await expect(late).rejects.toBe('now');
});

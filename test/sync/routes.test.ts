/**
 * A handle may come by any route.
 */
import { Queue, Semaphore } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

const fixture = 'attach-and-release.mjs';

test('a handle comes by a command line argument', async () => {
  using semaphore = new Semaphore(0);
  const child = startChild(fixture, { args: ['argv', semaphore.handle] });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  expect(semaphore.getValue()).toBe(1);
});

test('a handle comes by an environment variable', async () => {
  using semaphore = new Semaphore(0);
  const child = startChild(fixture, { args: ['env'], env: { SEMAPHORE: semaphore.handle } });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  expect(semaphore.getValue()).toBe(1);
});

test('a named object is opened by its name', async () => {
  const name = `routes-${process.pid}`;
  using semaphore = new Semaphore(0, { name });
  const child = startChild(fixture, { args: ['name', name] });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  expect(semaphore.getValue()).toBe(1);
});

test.each(['json', 'advanced'] as const)(
  'an object goes through process.send with %s serialization',
  async (serialization) => {
    using semaphore = new Semaphore(0);
    const whole = startChild(fixture, { args: ['send'], serialization });
    whole.send(semaphore);
    const nested = startChild(fixture, { args: ['nested'], serialization });
    nested.send({ deep: { list: [1, semaphore] } });
    expect(await whole.exit).toMatchObject({ code: 0, stderr: '' });
    expect(await nested.exit).toMatchObject({ code: 0, stderr: '' });
    expect(semaphore.getValue()).toBe(2);
  },
);

test('an object comes out of a queue by itself', async () => {
  using semaphore = new Semaphore(0);
  using queue = new Queue();
  await queue.put({ deep: { list: ['before', semaphore] } });
  const child = startChild(fixture, { args: ['queue', queue.handle] });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  expect(semaphore.getValue()).toBe(1);
});

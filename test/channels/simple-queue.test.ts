import { attach, ClosedError, Empty, SimpleQueue } from 'multiproc';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

test('SimpleQueue puts and gets, with timeouts', async () => {
  using queue = new SimpleQueue<string>();
  expect(queue.empty()).toBe(true);
  await queue.put('a');
  queue.putSync('b');
  expect(queue.empty()).toBe(false);
  expect(await queue.get()).toBe('a');
  expect(queue.getSync()).toBe('b');
  expect(() => queue.getSync({ timeout: 0 })).toThrow(Empty);
  await expect(queue.get({ timeout: 1 })).rejects.toThrow(Empty);
  expect(String(queue)).toBe('<SimpleQueue size=0>');
});

test('SimpleQueue after close() throws ClosedError', async () => {
  const queue = new SimpleQueue<string>();
  queue.close();
  queue.close();
  expect(() => queue.empty()).toThrow(ClosedError);
  expect(() => {
    queue.putSync('x');
  }).toThrow(ClosedError);
  await expect(queue.get()).rejects.toThrow(ClosedError);
});

test('SimpleQueue revives as itself', async () => {
  using queue = new SimpleQueue<string>();
  using same = attach(queue.handle);
  expect(same).toBeInstanceOf(SimpleQueue);
  const agent = new Agent();
  await agent.call(queue, 'put', 'from there');
  expect(await queue.get()).toBe('from there');
  await agent.end();
});

import { attach, ClosedError, Event, SharedArray } from 'multiproc';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

test('Event.wait() says whether it was set', async () => {
  using event = new Event();
  expect(event.isSet()).toBe(false);
  expect(await event.wait({ timeout: 0 })).toBe(false);
  expect(event.waitSync({ timeout: 5 })).toBe(false);
  expect(event.toString()).toBe('<Event unset>');
  event.set();
  event.set();
  expect(event.isSet()).toBe(true);
  expect(await event.wait()).toBe(true);
  expect(event.waitSync()).toBe(true);
  expect(event.toString()).toBe('<Event set>');
  event.clear();
  expect(event.isSet()).toBe(false);
  expect(event.waitSync({ timeout: 0 })).toBe(false);
});

test('Event.set() wakes all tasks that wait, even when clear() follows at once', async () => {
  using event = new Event();
  const waiting = Promise.all([event.wait(), event.wait(), event.wait({ timeout: 200_000 })]);
  event.set();
  event.clear();
  expect(await waiting).toEqual([true, true, true]);
  expect(await event.wait({ timeout: 0 })).toBe(false);
});

test('Event.set() wakes the waiters of other processes, blocked or not', async () => {
  using event = new Event();
  const agents = [new Agent(), new Agent()] as const;
  const waits = [agents[0].call(event, 'waitSync'), agents[1].call(event, 'wait')];
  await until('both wait', () => event.stats().waiters === 2);
  event.set();
  expect(await Promise.all(waits)).toEqual([true, true]);
  await Promise.all(agents.map((agent) => agent.end()));
});

test('Event.wait() is woken by another process', async () => {
  using event = new Event();
  const agent = new Agent();
  const waiting = event.wait();
  await agent.call(event, 'set');
  expect(await waiting).toBe(true);
  expect(event.isSet()).toBe(true);
  await agent.end();
});

test('Event.set() is not blocked by a waiter that was killed', async () => {
  using event = new Event();
  const agent = new Agent();
  const lost = agent.call(event, 'waitSync').catch(() => 'killed');
  await until('the agent waits', () => event.stats().waiters === 1);
  await agent.kill();
  expect(await lost).toBe('killed');
  event.set();
  expect(event.waitSync({ timeout: 0 })).toBe(true);
});

test('Event.wait() can be aborted and timed out', async () => {
  using event = new Event();
  const controller = new AbortController();
  const before = performance.now();
  const aborted = event.wait({ signal: controller.signal });
  const timed = event.wait({ timeout: 20 });
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expect(await timed).toBe(false);
  expect(performance.now() - before).toBeGreaterThanOrEqual(20);
});

test('Event.close() ends its own waits', async () => {
  const event = new Event();
  using second = attach<Event>(event);
  const own = event.wait();
  const other = second.wait();
  event.close();
  await expect(own).rejects.toThrow(ClosedError);
  await expect(event.wait()).rejects.toThrow(ClosedError);
  for (const use of [
    () => event.isSet(),
    () => event.waitSync(),
    () => {
      event.set();
    },
    () => {
      event.clear();
    },
  ]) {
    expect(use).toThrow(ClosedError);
  }
  expect(event.toString()).toBe('<Event closed>');
  second.set();
  expect(await other).toBe(true);
});

test('what was written before Event.set() is seen after the wait', async () => {
  using array = new SharedArray('i', 100);
  using written = new Event();
  using read = new Event();
  const rounds = 500;
  const child = startChild('write-then-set.mjs', { args: [array.handle, written.handle, read.handle, String(rounds)] });
  for (let round = 1; round <= rounds; round += 1) {
    // Both ways to wait: the promise is served by another piece of code than the blocking call.
    expect(round % 2 === 0 ? await written.wait({ timeout: 200_000 }) : written.waitSync({ timeout: 200_000 })).toBe(
      true,
    );
    expect([...new Set(array)]).toEqual([round]);
    written.clear();
    read.set();
  }
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});

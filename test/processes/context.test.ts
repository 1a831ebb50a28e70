/** getContext(): the library with one start method. */
import * as multiproc from 'multiproc';
import { getContext, getStartMethod, Process, Queue, StateError } from 'multiproc';
import { expect, test } from 'vitest';
import { tellAboutYourself } from '../fixtures/tasks.mjs';
import { ContextSquares } from '../fixtures/thread-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

test('a context has all names of the library, and there is one for each method', () => {
  const context = getContext('thread');
  expect(Object.keys(context).sort()).toEqual(Object.keys(multiproc).sort());
  expect(context).toBe(getContext('thread'));
  expect(context.getContext('spawn')).toBe(getContext('spawn'));
  expect([context.getStartMethod(), getContext('spawn').getStartMethod()]).toEqual(['thread', 'spawn']);
  expect(getContext()).toBe(getContext(getStartMethod()));
  expect(context.Queue).toBe(Queue);
  expect(context.Process.name).toBe('Process');
});

test('its Process is started by its method, unless the options say another one', async () => {
  using queue = new Queue<{ name: string; processPid: number }>();
  const { Process: ThreadProcess } = getContext('thread');
  const children = [
    new ThreadProcess({ target: tellAboutYourself, args: [queue], name: 'one' }),
    new ThreadProcess({ target: tellAboutYourself, args: [queue], name: 'two', startMethod: 'spawn' }),
    new (getContext('spawn').Process)({ target: tellAboutYourself, args: [queue], name: 'three' }),
  ];
  const own: [string, boolean][] = [];
  for (const child of children) {
    expect(child).toBeInstanceOf(Process);
    child.start();
    expect(await child.join()).toBe(0);
    const { name, processPid } = queue.getNowait();
    own.push([name, processPid === process.pid]);
  }
  expect(own).toEqual([
    ['one', true],
    ['two', false],
    ['three', false],
  ]);
  expect(new ThreadProcess().name).toMatch(/^Process-\d+$/);
});

test('a class made from a context’s Process is started by the context’s method', async () => {
  using queue = new Queue<number>();
  const child = new ContextSquares(queue, 12);
  child.start();
  expect(await child.join()).toBe(0);
  expect([queue.getNowait(), queue.getNowait()]).toEqual([144, process.pid]);
});

test('a context refuses another method; unknown methods are refused', () => {
  expect(() => getContext('spawn').setStartMethod('thread')).toThrow(StateError);
  expect(getStartMethod({ allowNone: true })).toBeNull();
  expect(() => getContext('fork' as never)).toThrow(
    expect.objectContaining({ name: 'RangeError', code: 'ERR_MULTIPROC_ARGUMENT' }) as Error,
  );
  expect(() => new Process({ startMethod: 'fork' as never })).toThrow(RangeError);
});

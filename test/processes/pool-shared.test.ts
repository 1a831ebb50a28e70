import { Event, Lock, Pipe, Pool, Queue, SharedArray, Value } from 'multiproc';
import { expect, test } from 'vitest';
import { answer, countLocked, echo, end, make, pidOf, putInto, square, waitFor } from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('D27: a Lock and a Value are one and the same in all tasks', async () => {
  await using pool = new Pool(4);
  const [lock, value] = [new Lock(), new Value('i', 0)];
  const results = await Promise.all(numbers(8).map(() => pool.apply(countLocked, [lock, value, 250])));
  expect(value.value).toBe(2000);
  results[0]?.add(1);
  expect(value.value).toBe(2001);
  for (const object of [...results, lock, value]) object.close();
});

test('D27: a plain Queue in a task, one task after the other', async () => {
  await using pool = new Pool(2);
  const queue = new Queue();
  for (const item of ['first', 'second']) {
    const same = await pool.apply(putInto, [queue, item]);
    expect(same.handle).toBe(queue.handle);
    same.close();
  }
  await pool
    .starmap(
      putInto,
      numbers(20).map((item): [Queue, unknown] => [queue, item]),
    )
    .then((queues) => {
      for (const each of queues) each.close();
    });
  const items = numbers(22).map(() => queue.getNowait());
  expect(items.slice(0, 2)).toEqual(['first', 'second']);
  expect(items.slice(2).sort((a, b) => Number(a) - Number(b))).toEqual(numbers(20));
  queue.close();
});

test('D27: the end of a Pipe, there and back', async () => {
  await using pool = new Pool(2);
  const [ours, theirs] = Pipe<string, string>();
  await ours.send('question');
  const back = await pool.apply(answer, [theirs]);
  expect(await ours.recv()).toBe('answer to question');
  await back.send('from its owner');
  expect(await ours.recv()).toBe('from its owner');
  for (const end of [ours, theirs, back]) end.close();
});

test('D27: a shared array, and a view of one, are live memory', async () => {
  await using pool = new Pool(1);
  const array = new SharedArray('i', numbers(10));
  const [whole, part] = (await pool.apply(echo, [[array, array.subarray(2, 4)]])) as [Int32Array, Int32Array];
  part[0] = 42;
  expect([whole[2], array[2], part.length]).toEqual([42, 42, 2]);
  for (const object of [whole, part, array]) (object as unknown as { close?(): void }).close?.();
});

test('objects that the worker made are the values of tasks', async () => {
  await using pool = new Pool(1);
  const queue = (await pool.apply(make, ['Queue'])) as Queue<string>;
  const lock = (await pool.apply(make, ['Lock'])) as Lock;
  const value = (await pool.apply(make, ['Value'])) as Value<number>;
  const array = (await pool.apply(make, ['Array'])) as SharedArray<'d'>;
  expect(await queue.get()).toBe('from the worker');
  expect(lock.runSync(() => value.value)).toBe(7);
  expect([...array]).toEqual([1, 2, 3]);
  for (const object of [queue, lock, value, array]) object.close();
});

test('an object may be closed right after the call: the task has it all the same', async () => {
  await using pool = new Pool(1);
  const [started, gate] = [new Queue<number>(), new Event()];
  const running = pool.applyAsync(waitFor, [started, gate]);
  await started.get();
  const results = numbers(20).map((x) => {
    const value = new Value('i', x);
    const result = pool.applyAsync(echo, [value], { retries: x % 2 });
    value.close();
    return result;
  });
  gate.set();
  await running;
  for (const [x, result] of results.entries()) {
    const value = (await result) as Value<number>;
    expect(value.value).toBe(x);
    value.close();
  }
  for (const object of [started, gate]) object.close();
});

test('a Lock that a dead worker held is handed on, with notice', async () => {
  await using pool = new Pool(2);
  const lock = new Lock();
  const holder = { module: new URL('../fixtures/pool-tasks.mjs', import.meta.url).href, name: 'dieHolding' };
  await expect(pool.apply(holder, [lock])).rejects.toThrow(/was ended by SIGKILL/);
  const hold = await lock.hold();
  expect(hold.ownerDied).toBe(true);
  hold.release();
  lock.close();
});

test('a message that a worker was given and did not live to use does not keep its objects', async () => {
  await using pool = new Pool(1);
  const queue = new Queue();
  const pid = await pool.apply(pidOf);
  const failed = pool.applyAsync(end, ['kill']);
  const waiting = numbers(5).map((item) => pool.applyAsync(putInto, [queue, item]));
  await expect(failed).rejects.toThrow();
  for (const result of waiting) (await result).close();
  expect(queue.qsize()).toBe(5);
  expect(await pool.apply(pidOf)).not.toBe(pid);
  await until('nothing runs', () => pool.stats().running === 0);
  expect(await pool.apply(square, [2])).toBe(4);
  queue.close();
});

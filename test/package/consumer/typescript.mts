import assert from 'node:assert';
import { Array, Empty, Event, isMainProcess, Lock, MultiprocError, Process, Queue, task, Value } from 'multiproc';
import { check } from './typescript-commonjs.cjs';

interface Point {
  x: number;
  y: number;
}

const double = task(import.meta, function double(results: Queue<number>, number: number): void {
  results.putSync(2 * number);
});

if (isMainProcess) await main();

async function main(): Promise<void> {
  // Declared types, not inferred ones: a change of the public types has to fail here.
  using queue: Queue<Point> = new Queue<Point>({ maxsize: 8 });
  await queue.put({ x: 1, y: 2 }, { timeout: 1000 });
  const point: Point = await queue.get({ signal: AbortSignal.timeout(10_000) });
  assert.deepStrictEqual(point, { x: 1, y: 2 });

  try {
    queue.getNowait();
    assert.fail('the queue is not empty');
  } catch (error) {
    assert(error instanceof Empty && error instanceof MultiprocError);
    const code: string = error.code;
    assert.strictEqual(code, 'ERR_MULTIPROC_EMPTY');
  }

  using lock: Lock = new Lock();
  const sum: number = await lock.run(() => point.x + point.y, { timeout: 1000 });
  assert.strictEqual(sum, 3);
  {
    using hold = lock.holdSync();
    const ownerDied: boolean = hold.ownerDied;
    assert.strictEqual(ownerDied, false);
  }

  using value: Value<number> = new Value('int32', 41);
  value.add(1);
  assert.strictEqual(value.value, 42);

  using event: Event = new Event();
  event.set();
  const set: boolean = await event.wait({ timeout: 0 });
  assert(set);

  const array = new Array('float64', [1, 2, 3]);
  const copy: Float64Array = new Float64Array(array);
  assert.deepStrictEqual([...copy], [1, 2, 3]);
  array.close();

  using results: Queue<number> = new Queue<number>();
  const child = new Process({ target: double, args: [results, 21] });
  child.start();
  const exitCode: number | null = await child.join();
  assert.strictEqual(exitCode, 0);
  assert.strictEqual(results.getNowait(), 42);
  // @ts-expect-error -- the second argument is no number
  new Process({ target: double, args: [results, '21'] });

  check();
}

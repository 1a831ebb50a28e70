import { Event, Pool, Queue, StateError, TimeoutError, Value, WorkerDiedError } from 'multiproc';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  add,
  check,
  dieAt,
  dieSometimes,
  digest,
  end,
  pidOf,
  sleepFor,
  spin,
  square,
  squareLater,
  stay,
  waitFor,
  waitForSync,
} from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { machineNow } from '../support/machine-clock.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function allReady(pool: Pool): boolean {
  return pool.stats().workers.every(({ ready }) => ready);
}

/** Has the process ended? Its parent need not have noticed. */
function hasEnded(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** It may have died of an earlier signal. */
function killIfThere(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

describe('a worker that dies', () => {
  test.for([
    ['kill', -9, 'SIGKILL'],
    ['segv', -11, 'SIGSEGV'],
    ['exit0', 0, null],
    ['exit3', 3, null],
    ['throw later', 1, null],
    ['unhandled rejection', 1, null],
  ] as const)('D1: fails its task, within two seconds, and nothing else: %s', async ([how, exitCode, signalCode]) => {
    await using pool = new Pool(2);
    await until('the workers are ready', () => allReady(pool));
    const others = pool.mapAsync(square, numbers(100), { chunksize: 1 });
    const begin = machineNow();
    const error = await pool.apply(end, [how]).catch((reason: unknown) => reason);
    expect(machineNow() - begin).toBeLessThan(2000);
    expect(error).toBeInstanceOf(WorkerDiedError);
    expect(error).toMatchObject({ code: 'ERR_MULTIPROC_WORKER_DIED', exitCode, signalCode });
    expect(await others).toEqual(numbers(100).map((x) => x * x));
    expect(await pool.map(square, numbers(20))).toEqual(numbers(20).map((x) => x * x));
    await until('it is replaced', () => pool.stats().workers.length === 2 && pool.stats().started === 3);
  });

  test('tells what it threw where nobody could catch it', async () => {
    await using pool = new Pool(1);
    await expect(pool.apply(end, ['throw later'])).rejects.toMatchObject({
      cause: expect.objectContaining({ message: 'in a timer' }) as unknown,
    });
  });

  test('D2: while it is idle, disturbs nobody', async () => {
    await using pool = new Pool(2);
    for (let round = 0; round < 3; round++) {
      await until('the workers are ready', () => pool.stats().workers.length === 2 && allReady(pool));
      for (const { pid } of pool.stats().workers) process.kill(pid, 'SIGKILL');
      expect(await pool.map(square, numbers(10), { chunksize: 1 })).toEqual(numbers(10).map((x) => x * x));
    }
    expect(pool.stats().failed).toBe(0);
  });

  test('D50: fails its own task only, of all those that are running', async () => {
    await using pool = new Pool(3);
    const [started, gate] = [new Queue<number>(), new Event()];
    const results = numbers(3).map((index) => pool.applyAsync(waitForSync, [started, gate, index]));
    const [victim] = await Promise.all([started.get(), started.get(), started.get()]);
    process.kill(victim, 'SIGKILL');
    const failed = await Promise.race(results.map((result, index) => result.get().catch(() => index)));
    gate.set();
    const settled = await Promise.allSettled(results);
    expect(settled.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1);
    expect(settled[Number(failed)]?.status).toBe('rejected');
    for (const object of [started, gate]) object.close();
  });

  test('fails the chunk that it was working on as a whole; the others are done', async () => {
    await using pool = new Pool(2);
    const values: unknown[] = [];
    const iterator = pool.imap(dieAt, numbers(40), { chunksize: 5 });
    for (let index = 0; index < 40; index++)
      values.push(
        await iterator.next().then(
          ({ value }) => value,
          (error: unknown) => (error as Error).constructor,
        ),
      );
    const expected = numbers(40).map((x) => (x >= 10 && x < 15 ? WorkerDiedError : x));
    expect(values).toEqual(expected);
    await expect(pool.map(dieAt, numbers(40))).rejects.toThrow(WorkerDiedError);
  });

  test('retries: the task is begun again as often as allowed', async () => {
    await using pool = new Pool(1);
    const deaths = new Value('i', 0);
    expect(await pool.apply(dieSometimes, [deaths, 3], { retries: 2 })).toBe(3);
    deaths.value = 0;
    await expect(pool.apply(dieSometimes, [deaths, 3], { retries: 1 })).rejects.toThrow(WorkerDiedError);
    expect(deaths.value).toBe(2);
    expect(pool.stats().started).toBeGreaterThanOrEqual(5);
    deaths.close();
  });

  test('leaves its keyed jobs to the worker that takes its place', async () => {
    await using pool = new Pool(2);
    const results = numbers(10).map((index) =>
      pool.applyAsync(index === 3 ? end : pidOf, [index === 3 ? 'kill' : index] as never, { key: 'k' }),
    );
    const pids = new Set<unknown>();
    for (const [index, result] of results.entries()) {
      if (index === 3) await expect(result).rejects.toThrow(WorkerDiedError);
      else pids.add(await result);
    }
    expect(pids.size).toBe(2);
  });

  test('with spares, is replaced by a worker that is ready already', async () => {
    await using pool = new Pool({ processes: 1, spares: 1 });
    await until('both are ready', () => allReady(pool));
    const before = pool.stats().workers.map(({ pid }) => pid);
    const victim = await pool.apply(pidOf);
    await expect(pool.apply(end, ['kill'])).rejects.toThrow(WorkerDiedError);
    const next = await pool.apply(pidOf);
    expect(before).toContain(next);
    expect(next).not.toBe(victim);
  });

  test('what it had reported is not lost: more than is received in one go', async () => {
    await using pool = new Pool({ processes: 1, maxTasksPerChild: 3501 });
    await pool.apply(square, [1]);
    const results = numbers(3500).map((x) => pool.applyAsync(square, [x]));
    const pid = pool.stats().workers[0]?.pid ?? 0;
    // This thread receives nothing meanwhile.
    const deadline = machineNow() + 20_000;
    while (!hasEnded(pid) && machineNow() < deadline);
    expect(results.at(-1)?.getSync()).toBe(3499 ** 2);
    expect(await Promise.all(results)).toEqual(numbers(3500).map((x) => x * x));
  });

  test('any of them, at any moment, beside 10,000 tasks with payloads that check themselves', async () => {
    await using pool = new Pool(4);
    const items = numbers(10_000).map((id) => {
      const bytes = Buffer.alloc(1 + ((id * 7919) % (id % 50 === 0 ? 20_000 : 300)), id % 251);
      return { id, bytes, sum: digest(bytes) };
    });
    let done = 0;
    const results = items.map((item) =>
      pool.apply(check, [item], { retries: 1000 }).then((value) => {
        done += 1;
        return value;
      }),
    );
    let kills = 0;
    for (let at = 300; at < 10_000; at += 400) {
      await until('some more are done', () => done >= at);
      const ready = pool.stats().workers.filter((worker) => worker.ready);
      const victim = ready[Math.floor(Math.random() * ready.length)];
      if (victim !== undefined && killIfThere(victim.pid)) kills += 1;
    }
    for (const [id, value] of (await Promise.all(results)).entries()) {
      expect(value.id).toBe(id);
      expect(value.sum).toBe(items[id]?.sum);
      expect(digest(value.bytes)).toBe(value.sum);
    }
    expect(kills).toBeGreaterThan(10);
    expect(pool.stats()).toMatchObject({ queued: 0, running: 0, failed: 0 });
  });
});

describe('D14: time limits and cancelling', () => {
  test('a task that takes too long fails with TimeoutError; its worker is replaced', async () => {
    await using pool = new Pool({ processes: 2, taskTimeout: 3000 });
    const stuck = pool.applyAsync(spin);
    expect(await pool.map(square, numbers(50))).toEqual(numbers(50).map((x) => x * x));
    await expect(stuck).rejects.toThrow(TimeoutError);
    expect(pool.applySync(square, [5])).toBe(25);
    expect(() => pool.applySync(spin, [], { timeout: 100 })).toThrow(/longer than 100 ms/);
    await until('they are replaced', () => pool.stats().started === 4);
  });

  test('the time of each item counts, from when it is begun', async () => {
    await using pool = new Pool(1);
    await pool.apply(square, [1]);
    // Together 4.5 s in one worker; the last of a chunk, and the second chunk, begin behind their limit.
    const options = { timeout: 2000, chunksize: 4 };
    expect(await pool.map(sleepFor, [750, 750, 750, 750, 750, 750], options)).toHaveLength(6);
    await expect(pool.map(sleepFor, [1, 5000, 1], { timeout: 200 })).rejects.toThrow(TimeoutError);
  });

  test.for(['promise', 'loop'])('a module that is never imported fails its task: %s', async (way) => {
    await using pool = new Pool({ processes: 1, env: { ...process.env, HANG: way } });
    const module = new URL('../fixtures/hangs-at-import.mjs', import.meta.url).href;
    await expect(pool.apply({ module, name: 'any' }, [], { timeout: 100 })).rejects.toThrow(
      new TimeoutError('Cannot finish task: importing its module took longer than 10000 ms'),
    );
    expect(await pool.apply(square, [3])).toBe(9);
  });

  test('concurrency: what else a worker had begun when it is ended for one task fails, or is begun again', async () => {
    await using pool = new Pool({ processes: 1, concurrency: 3 });
    const [started, gate] = [new Queue<number>(), new Event()];
    const cancelled = pool.applyAsync(waitFor, [started, gate]);
    const other = pool.applyAsync(waitFor, [started, gate, 'other']);
    const again = pool.applyAsync(waitFor, [started, gate, 'again'], { retries: 1 });
    const behind = pool.applyAsync(square, [4]);
    const pids = [await started.get(), await started.get(), await started.get()];
    cancelled.cancel();
    await expect(other).rejects.toThrow(WorkerDiedError);
    await expect(other).rejects.toThrow(/was ended for another of its tasks, which was cancelled or took too long/);
    expect(pids).not.toContain(await started.get());
    gate.set();
    expect(await again).toBe('again');
    expect(await behind).toBe(16);
    for (const object of [started, gate]) object.close();
  });

  test('concurrency: what it had not begun is not lost, whatever it had prepared', async () => {
    const name = `slow-${process.pid}`;
    const imports = new Queue<number>({ name: `${name}-imports` });
    const [started, gate] = [new Queue<number>(), new Event({ name: `${name}-gate` })];
    await using pool = new Pool({ processes: 1, concurrency: 2, env: { ...process.env, IMPORTS_SLOWLY: name } });
    const cancelled = pool.applyAsync(waitFor, [started, new Event()]);
    const pid = await started.get();
    const module = new URL('../fixtures/imports-slowly.mjs', import.meta.url).href;
    const importing = pool.applyAsync({ module, name: 'pidAfterImport' });
    expect(await imports.get()).toBe(pid);
    cancelled.cancel();
    const next = await imports.get();
    expect(next).not.toBe(pid);
    gate.set();
    expect(await importing).toBe(next);
    expect(pool.stats().failed).toBe(0);
    for (const object of [imports, started, gate]) object.close();
  });

  test('cancel and abort: what waits is not begun, what runs is ended, the others go on', async () => {
    await using pool = new Pool(1);
    const [started, gate, marks] = [new Queue<number>(), new Event(), new Value('i', 0)];
    const running = pool.applyAsync(waitForSync, [started, gate]);
    const pid = await started.get();
    const waiting = pool.applyAsync(dieSometimes, [marks, 0]);
    const controller = new AbortController();
    const aborted = pool.map(dieSometimes as never, [1, 2, 3], { signal: controller.signal });
    const other = pool.applyAsync(pidOf);
    expect(waiting.cancel()).toBe(true);
    expect(waiting.cancel()).toBe(false);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    controller.abort('reason');
    await expect(aborted).rejects.toBe('reason');
    running.cancel(new StateError('given up'));
    await expect(running).rejects.toThrow('given up');
    expect(await other).not.toBe(pid);
    expect(marks.value).toBe(0);
    await expect(pool.apply(square, [1], { signal: AbortSignal.abort('before') })).rejects.toBe('before');
    for (const object of [started, gate, marks]) object.close();
  });

  test('a call cancelled when it is done, and nobody knows yet: its worker, which works on the next one, is not ended', async () => {
    await using pool = new Pool(1);
    const [started, gate] = [new Queue<number>(), new Event()];
    const first = pool.applyAsync(square, [3]);
    const second = pool.applyAsync(waitForSync, [started, gate, 'value']);
    // Nothing is received meanwhile.
    const pid = started.getSync();
    first.cancel();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    gate.set();
    expect(await second).toBe('value');
    expect(await pool.apply(pidOf)).toBe(pid);
    for (const object of [started, gate]) object.close();
  });

  test('and at any moment', async () => {
    await using pool = new Pool(2);
    await pool.map(square, numbers(10));
    const kept: Promise<number>[] = [];
    for (let round = 0; round < 300; round++) {
      const cancelled = pool.applyAsync(squareLater, [round]);
      kept.push(pool.apply(squareLater, [round]), pool.apply(square, [round]));
      await new Promise(setImmediate);
      cancelled.cancel();
    }
    for (const [index, value] of (await Promise.all(kept)).entries()) expect(value).toBe(Math.floor(index / 2) ** 2);
    expect(pool.stats().failed).toBe(0);
  });

  test('what cannot be ended with SIGTERM is killed', async () => {
    await using pool = new Pool(1);
    const started = new Queue<number>();
    const result = pool.applyAsync(stay, [started]);
    const pid = await started.get();
    result.cancel();
    expect(await pool.apply(pidOf)).not.toBe(pid);
    started.close();
  });

  test('a stopped worker is not a dead one', async () => {
    await using pool = new Pool(1);
    const [started, gate] = [new Queue<number>(), new Event()];
    const result = pool.applyAsync(waitFor, [started, gate, 'value']);
    const pid = await started.get();
    process.kill(pid, 'SIGSTOP');
    gate.set();
    expect(await result.wait({ timeout: 700 })).toBe(false);
    process.kill(pid, 'SIGCONT');
    expect(await result).toBe('value');
    expect(await pool.apply(add, [1, 2])).toBe(3);
    expect(pool.stats().started).toBe(1);
    for (const object of [started, gate]) object.close();
  });
});

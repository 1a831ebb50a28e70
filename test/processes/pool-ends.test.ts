import { Event, Pool, Queue, setExecutable, StateError, TerminatedError, WorkerDiedError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { end, pidOf, sleepFor, spin, square, stay, takeMemory, waitFor } from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { machineNow } from '../support/machine-clock.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';
import { OwnSharedMemory, withLimits } from '../support/worlds.js';

expectNoLeftovers();

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('close, terminate and join', () => {
  test('in any order, and again', async () => {
    const pool = new Pool(2);
    const result = pool.applyAsync(square, [3]);
    pool.close();
    pool.close();
    expect(() => pool.applyAsync(square, [1])).toThrow(/the pool was closed before/);
    await Promise.all([pool.join(), pool.join(), pool.closeAndJoin()]);
    pool.joinSync();
    await pool.terminate();
    pool.close();
    expect(await result).toBe(9);
    expect(() => pool.applyAsync(square, [1])).toThrow(StateError);
    expect(pool.stats()).toMatchObject({ workers: [], queued: 0, running: 0, completed: 1 });

    const other = new Pool(2);
    await Promise.all([other.terminate(), other.terminate(), other.join()]);
    other.joinSync();
    await expect(other.map(square, [1])).rejects.toThrow(/the pool was terminated before/);
  });

  test('close before the workers are ready: what was called is done', async () => {
    const pool = new Pool(2);
    const results = pool.mapAsync(square, numbers(100));
    await pool.closeAndJoin();
    expect(results.ready()).toBe(true);
    expect(await results).toHaveLength(100);
    await new Pool({ processes: 2, spares: 2 }).closeAndJoin();
    const blocking = new Pool(2);
    const sync = blocking.mapAsync(square, numbers(100));
    blocking.close();
    blocking.joinSync();
    expect(sync.getSync()).toHaveLength(100);
  });

  test('D13: what is pending at terminate fails at once', async () => {
    const pool = new Pool(2);
    const results = [
      pool.mapAsync(
        sleepFor,
        numbers(10_000).map(() => 100),
      ),
      pool.applyAsync(spin),
      pool.starmapAsync(sleepFor, [[100, 1]]),
    ];
    const begin = machineNow();
    const ended = pool.terminate();
    for (const result of results) await expect(result).rejects.toThrow(TerminatedError);
    await ended;
    expect(machineNow() - begin).toBeLessThan(3000);
  });

  test.for([
    ['value', false],
    ['value', true],
    ['error', false],
    ['error', true],
    ['death', false],
    ['death', true],
  ] as const)('D11: from a callback with a %s; joined blocking: %s', async ([how, sync]) => {
    const pool = new Pool(3);
    const others = pool.mapAsync(sleepFor, [60_000, 60_000], { chunksize: 1 });
    await until('they are running', () => pool.stats().running === 2);
    const begin = machineNow();
    await new Promise<void>((resolve, reject) => {
      const finish = (): void => {
        const ended = pool.terminate();
        if (sync) pool.joinSync();
        ended.then(resolve, reject);
      };
      if (how === 'value') pool.applyAsync(square, [1], { callback: finish });
      else pool.applyAsync(end, [how === 'error' ? 'fail' : 'kill'], { errorCallback: finish });
    });
    await expect(others).rejects.toThrow(TerminatedError);
    expect(machineNow() - begin).toBeLessThan(3000);
  });

  test('what ignores SIGTERM is killed after a second, for a blocked thread too', async () => {
    for (const sync of [false, true]) {
      const pool = new Pool(1);
      const started = new Queue<number>();
      const result = pool.applyAsync(stay, [started]);
      const pid = await started.get();
      const begin = machineNow();
      const ended = pool.terminate();
      if (sync) pool.joinSync();
      else await ended;
      expect(isAlive(pid)).toBe(false);
      expect(machineNow() - begin).toBeLessThan(3000);
      await expect(result).rejects.toThrow(TerminatedError);
      started.close();
    }
  });

  test('workers that have more to say than there is room for, to nobody, end all the same', async () => {
    for (const sync of [false, true]) {
      const pool = new Pool({ processes: 2, concurrency: 12 });
      const [started, gate] = [new Queue<number>(), new Event()];
      const iterator = pool.imap(
        { module: new URL('../fixtures/pool-tasks.mjs', import.meta.url).href, name: 'fillAtGateOf' },
        numbers(24).map(() => [started, gate, 60_000]),
        { bufferSize: 24 },
      );
      for (let count = 0; count < 24; count++) await started.get();
      await iterator.return();
      gate.set();
      pool.close();
      if (sync) pool.joinSync();
      else await pool.join();
      for (const object of [started, gate]) object.close();
    }
  });
});

describe('the life of workers', () => {
  test('D19: maxTasksPerChild: a worker ends after so many jobs, and none is lost', async () => {
    await using pool = new Pool({ processes: 2, maxTasksPerChild: 5 });
    const pids = await pool.map(pidOf, numbers(60), { chunksize: 1 });
    const counts = new Map<number, number>();
    for (const pid of pids) counts.set(pid, (counts.get(pid) ?? 0) + 1);
    expect(Math.max(...counts.values())).toBe(5);
    expect(counts.size).toBeGreaterThanOrEqual(12);
    expect(pool.stats().failed).toBe(0);
  });

  test('closed early, with workers that end by themselves: all is done', async () => {
    const pool = new Pool({ processes: 3, maxTasksPerChild: 1 });
    const results = numbers(8).map((x) => pool.applyAsync(square, [x]));
    await pool.closeAndJoin();
    expect(await Promise.all(results)).toEqual(numbers(8).map((x) => x * x));
  });

  test('maxMemoryPerChild: a worker that has grown is replaced', async () => {
    await using pool = new Pool({ processes: 1, maxMemoryPerChild: 300 * 2 ** 20 });
    const [first, second] = [await pool.apply(takeMemory, [2 ** 20]), await pool.apply(takeMemory, [400 * 2 ** 20])];
    expect(second).toBe(first);
    expect(await pool.apply(pidOf)).not.toBe(first);
  });

  test('a worker that dies while it imports: told, and what it was given is let go of', async () => {
    const module = new URL('../fixtures/dies-at-import.mjs', import.meta.url).href;
    const pool = new Pool({ processes: 1, initializer: { module, name: 'never' } });
    await expect(pool.apply(square, [1])).rejects.toThrow(WorkerDiedError);
    await pool.closeAndJoin();
  });

  test('one that the system refuses is tried again', async () => {
    await using pool = new Pool(2);
    await until('both are ready', () => pool.stats().workers.every(({ ready }) => ready));
    const file = process.execPath;
    setExecutable('/nowhere/node');
    try {
      process.kill(pool.stats().workers[0]?.pid ?? 0, 'SIGKILL');
      await until('it is missed', () => pool.stats().workers.length === 1);
      expect(await pool.map(square, [1, 2, 3], { chunksize: 1 })).toEqual([1, 4, 9]);
    } finally {
      setExecutable(file);
    }
    await until('it is replaced', () => pool.stats().workers.length === 2);
  });

  test('when not one can be started, the constructor says so, and nothing is left', () => {
    setExecutable('/nowhere/node');
    try {
      expect(() => new Pool(3)).toThrow(/No such file/);
    } finally {
      setExecutable(process.execPath);
    }
    expect(() => new Pool({ processes: 2, cwd: '/nowhere' })).toThrow(TypeError);
  });
});

describe('the program', () => {
  test.for([
    ['unclosed', '[ 1, 4, 9 ]\n'],
    ['unclosed, blocking', '9\n'],
    ['cancelled', 'true true\n'],
    ['cancelled while it waits for room', '0\n'],
    ['died', 'ERR_MULTIPROC_WORKER_DIED\n'],
    ['abandoned imap', '1\n'],
    ['made by a worker that ends', 'from the worker\ntrue\n'],
  ] as const)('D18: ends by itself with a pool that nobody closed: %s', async ([program, output]) => {
    const { code, stdout, stderr } = await startChild('mains/pool.mjs', { args: [program], watchdog: 15_000 }).exit;
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: output, stderr: '' });
  });

  test('ends by itself with a pool that failed, and what had no room in it', async () => {
    const { code, stdout, stderr } = await startChild('mains/pool.mjs', { args: ['failed'], watchdog: 15_000 }).exit;
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' });
    expect(stderr).toContain('cannot prepare');
  });

  test('that throws ends its workers', async () => {
    const main = startChild('mains/pool.mjs', { args: ['throws'] });
    const pids = (await main.message()) as number[];
    const { code, stderr } = await main.exit;
    expect(code).toBe(1);
    expect(stderr).toContain('in the program');
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('D35: killed: its workers are gone within three seconds, whatever they are doing', async () => {
    const main = startChild('mains/pool.mjs', { args: ['killed'] });
    const pids = (await main.message()) as number[];
    expect(pids).toHaveLength(3);
    main.kill('SIGKILL');
    await main.exit;
    const begin = machineNow();
    await until('the workers are gone', () => !pids.some(isAlive));
    expect(machineNow() - begin).toBeLessThan(3000);
  });

  test('D43: the interrupt key ends nothing by itself, and the workers are quiet', async () => {
    const main = startChild('mains/pool.mjs', { args: ['interrupted'] });
    const pids = (await main.message()) as number[];
    // As a terminal does: everybody gets it.
    for (const pid of pids) process.kill(pid, 'SIGINT');
    main.kill('SIGINT');
    expect(await main.exit).toMatchObject({
      code: 0,
      stdout: 'alive true,true\nERR_MULTIPROC_TERMINATED\n',
      stderr: '',
    });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('D10: what callbacks throw is uncaught, and the pool goes on', async () => {
    const { code, stdout } = await startChild('mains/pool.mjs', { args: ['callbacks'] }).exit;
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((line) => line === 'uncaught callback')).toHaveLength(4);
    expect(stdout).toContain('ERR_MULTIPROC_WORKER_DIED\n');
    expect(stdout).toMatch(/16 4\n$/);
  });

  test('that forgets a pool: its workers end; an iterator that somebody waits for is not forgotten', async () => {
    const env = { NODE_OPTIONS: '--expose-gc' };
    const forgotten = await startChild('mains/pool.mjs', { args: ['forgotten'], env }).exit;
    expect(forgotten.stdout).toBe('49\nalive 0\n');
    const waiting = await startChild('mains/pool.mjs', { args: ['waiting iterator'], env }).exit;
    expect(waiting.stdout).toBe('{ value: 49, done: false }\n');
  });

  test('that makes a pool without a guard gets an error that shows the guard', async () => {
    const { code, stdout } = await startChild('mains/unguarded-pool.mjs').exit;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ERR_MULTIPROC_STATE Cannot start Process/);
    expect(stdout).toContain('if (isMainProcess) {');
  });

  test('with a full /dev/shm: a clear error for what does not fit, and the pool goes on', async () => {
    await using memory = await OwnSharedMemory.mount('size=16m');
    const { within } = memory;
    const { code, stdout, stderr } = await startChild('mains/pool.mjs', { args: ['full'], within }).exit;
    const noSpace = 'ERR_MULTIPROC_NO_SPACE';
    expect(stderr).toBe('');
    expect(stdout).toBe(['1', noSpace, noSpace, noSpace, noSpace, '4 1', noSpace, '9', ''].join('\n'));
    expect(code).toBe(0);
  });

  test('with few descriptors: too many workers are an error, and none of them is left', async () => {
    const within = withLimits({ descriptors: 100 });
    const { stdout, code } = await startChild('mains/pool.mjs', { args: ['few descriptors'], within }).exit;
    expect(stdout).toBe('ERR_MULTIPROC_SYSTEM\n[ 1, 4 ]\n');
    expect(code).toBe(0);
  });

  test('with 40 workers: all of them work', async () => {
    await using pool = new Pool(40);
    const [started, gate] = [new Queue<number>(), new Event()];
    const running = numbers(40).map((index) => pool.applyAsync(waitFor, [started, gate, index]));
    const pids = new Set<number>();
    while (pids.size < 40) pids.add(await started.get());
    gate.set();
    expect(await Promise.all(running)).toEqual(numbers(40));
    const squares = await pool.map(square, numbers(1000));
    expect(squares.reduce((sum, x) => sum + x)).toBe(332_833_500);
    for (const object of [started, gate]) object.close();
  });
});

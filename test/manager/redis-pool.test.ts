/** Pools in Redis: workers that are killed, other builds, callers that die, servers that are away. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  attach,
  BuildMismatchError,
  Manager,
  NotFoundError,
  Pipe,
  Process,
  type RedisManager,
  WorkerDiedError,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callAndWait } from '../fixtures/managed-tasks.mjs';
import { block, fail, note, pidOf, square, waitFor } from '../fixtures/remote-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { keysOf, Network, RedisServer } from '../support/redis.js';
import { remoteTasks, Workers } from '../support/redis-workers.js';
import { commandLineTool } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';
import { until } from '../support/until.js';

expectNoLeftovers();

/** Long enough for a thread that has to wait for a processor. */
const LEASE = 5_000 * slowness;
let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), 'multiproc-remote-'));
});

afterAll(async () => {
  await server.end();
  rmSync(folder, { recursive: true });
});

interface Site {
  readonly manager: RedisManager;
  /** Starts workers, which end with the test. */
  readonly start: (args?: readonly string[], module?: string) => Workers;
}

async function withSite(
  body: (site: Site) => Promise<void>,
  { engine = server.url, lease = LEASE }: { engine?: string; lease?: number } = {},
): Promise<void> {
  const manager = await Manager({ engine, lease });
  const all: Workers[] = [];
  try {
    await body({
      manager,
      start: (args = ['--processes', '1'], module = remoteTasks) => {
        const words = ['--lease', String(lease), ...args];
        const workers = new Workers({ engine, namespace: manager.namespace, module, args: words });
        all.push(workers);
        return workers;
      },
    });
  } finally {
    for (const workers of all) {
      workers.signal('SIGKILL');
      await workers.ended();
    }
    await manager.shutdown();
  }
}

/** A module of the same name with other bytes. */
function otherBuild(): string {
  const below = mkdtempSync(join(folder, 'build-'));
  const path = join(below, 'remote-tasks.mjs');
  writeFileSync(path, `${readFileSync(remoteTasks, 'utf8')}\n// Another build.\n`);
  mkdirSync(join(below, 'node_modules'));
  writeFileSync(join(below, 'package.json'), '{}');
  const library = pathToFileURL(fileURLToPath(new URL('../../dist/index.js', import.meta.url))).href;
  writeFileSync(path, readFileSync(path, 'utf8').replace("from 'multiproc'", `from '${library}'`));
  return path;
}

describe('a job', () => {
  test('whose worker is killed is done by another one', async () => {
    await withSite(async ({ manager, start }) => {
      start(['--processes', '2']);
      const pool = await manager.Pool();
      const started = await manager.Queue<number>();
      const gate = await manager.Event();
      const result = pool.apply(waitFor, [started, gate, 'done']);
      const first = await started.get();
      process.kill(first, 'SIGKILL');
      const second = await started.get();
      expect(second).not.toBe(first);
      await gate.set();
      expect(await result).toBe('done');
      expect(await pool.apply(square, [4])).toBe(16);
    });
  });

  test('that kills its workers fails when it has killed so many, and the others are done', async () => {
    await withSite(async ({ manager, start }) => {
      const workers = start(['--processes', '2']);
      const pool = await manager.Pool({ attempts: 2 });
      const deadly = pool.apply(fail, ['kill']);
      const results = pool.map(square, [1, 2, 3, 4]);
      await expect(deadly).rejects.toThrow(WorkerDiedError);
      expect(await results).toEqual([1, 4, 9, 16]);
      expect(workers.output.match(/another one takes its place/g)?.length).toBe(2);
      expect((await pool.stats()).unfinished).toBe(0);
    });
  });

  test('waits while there is no worker, and stats() says so', async () => {
    await withSite(async ({ manager, start }) => {
      const pool = await manager.Pool();
      const result = pool.apply(square, [3]);
      await until('the job is there', async () => (await pool.stats()).unfinished === 1);
      expect(await pool.stats()).toEqual({ state: 'open', unfinished: 1, workers: [] });
      start();
      expect(await result).toBe(9);
      const { workers } = await pool.stats();
      expect(workers.map(({ modules }) => modules.map(({ module }) => module))).toEqual([['remote-tasks.mjs']]);
    });
  });

  test('is done by workers that were started for the name of its pool, and by no others', async () => {
    await withSite(async ({ manager, start }) => {
      start(['--processes', '1', '--pool', 'other']);
      start(['--processes', '1', '--pool', 'mine']);
      const mine = await manager.Pool({ name: 'mine' });
      const other = await manager.Pool({ name: 'other' });
      const [first, second] = [await mine.apply(pidOf), await other.apply(pidOf)];
      expect(first).not.toBe(second);
      for (let times = 0; times < 5; times += 1) expect(await mine.apply(pidOf)).toBe(first);
    });
  });

  test('that blocks its thread for longer than the lease is done once', async () => {
    await withSite(async ({ manager, start }) => {
      start(['--processes', '2']);
      const pool = await manager.Pool();
      const started = await manager.Queue<number>();
      expect(await pool.apply(block, [started, 2 * LEASE])).toBe('blocked');
      expect(await started.getMany()).toHaveLength(1);
      expect(await started.qsize()).toBe(0);
    });
  });
});

describe('workers of another build', () => {
  test('take no job, and the caller is told; those of the same one do it', async () => {
    await withSite(async ({ manager, start }) => {
      const other = otherBuild();
      start(['--processes', '1'], other);
      const pool = await manager.Pool();
      const failing = pool.apply(square, [2]);
      await expect(failing).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BUILD_MISMATCH' });
      await expect(failing).rejects.toThrow(BuildMismatchError);
      expect((await pool.stats()).unfinished).toBe(0);
      const result = await pool.applyAsync(square, [3]);
      await expect(result.get()).rejects.toThrow(BuildMismatchError);
      expect(await pool.apply({ module: other, name: 'square' }, [4])).toBe(16);
      start();
      await until('the other worker is there', async () => (await pool.stats()).workers.length === 2);
      expect(await result.get()).toBe(9);
      expect(await pool.apply(square, [5])).toBe(25);
    });
  });

  test('do it where both say that the build is the same', async () => {
    await withSite(async ({ manager, start }) => {
      start(['--processes', '1', '--build', 'v1'], otherBuild());
      const pool = await manager.Pool({ build: 'v1' });
      expect(await pool.apply(square, [2])).toBe(4);
    });
  });
});

test("an error of a task has the task's stack", async () => {
  await withSite(async ({ manager, start }) => {
    start();
    const pool = await manager.Pool();
    await expect(pool.apply(fail, ['custom'])).rejects.toMatchObject({
      name: 'CustomError',
      remoteStack: expect.stringContaining('remote-tasks.mjs') as unknown,
    });
  });
});

test('a module that is not one of the worker, and a name that it has not, are nothing that it runs', async () => {
  await withSite(async ({ manager, start }) => {
    start();
    const pool = await manager.Pool();
    await expect(pool.apply({ module: remoteTasks, name: 'nothing' })).rejects.toThrow(NotFoundError);
    await expect(pool.apply({ module: 'node:child_process', name: 'execSync' }, ['true'])).rejects.toThrow(TypeError);
  });
});

test('four workers that are killed again and again lose no job, and give each result once', async () => {
  await withSite(async ({ manager, start }) => {
    start(['--processes', '4']);
    const pool = await manager.Pool({ attempts: 20 });
    const begun = await manager.Value('i', 0);
    const numbers = Array.from({ length: 1_000 }, (_, index) => index);
    let isOver = false;
    const working = pool
      .starmap(
        note,
        numbers.map((number) => [number, begun] as const),
        { chunksize: 1 },
      )
      .finally(() => (isOver = true));
    for (let kills = 0; kills < 5; kills += 1) {
      const before = await begun.get();
      await until('some jobs are done', async () => isOver || (await begun.get()) > before + 50);
      const { workers } = await pool.stats();
      const victim = workers[randomInt(Math.max(workers.length, 1))];
      // One that was killed before counts until its lease is over.
      if (victim !== undefined && spawnSync('kill', ['-0', String(victim.pid)]).status === 0)
        process.kill(victim.pid, 'SIGKILL');
    }
    expect(await working).toEqual(numbers);
    expect(await begun.get()).toBeGreaterThanOrEqual(numbers.length);
    expect((await pool.stats()).unfinished).toBe(0);
  });
});

describe('what a caller leaves when it is killed', () => {
  test('is withdrawn, and what applyAsync has given away is done', async () => {
    await withSite(async ({ manager, start }) => {
      const pool = await manager.Pool();
      const value = await manager.Value('i', 0);
      const [here, there] = Pipe();
      const child = new Process({ target: callAndWait, args: [there, pool, value] });
      child.start();
      there.close();
      const handle = (await here.recv({ timeout: 200_000 })) as string;
      here.close();
      expect((await pool.stats()).unfinished).toBe(2);
      child.kill();
      await child.join();
      await until('its call is withdrawn', async () => {
        // Whoever waits looks for the dead.
        await (await manager.Queue()).get({ timeout: 5 }).catch(() => undefined);
        return (await pool.stats()).unfinished === 1;
      });
      start();
      const result = attach(handle) as unknown as { get(): Promise<unknown> };
      expect(await result.get()).toBe(7);
      expect(await value.get()).toBe(1);
    });
  });

  test('results are kept for a time and no longer', async () => {
    await withSite(async ({ manager, start }) => {
      start();
      const pool = await manager.Pool({ keepResults: 200 });
      const result = await pool.applyAsync(square, [3]);
      await until('the result is gone', () =>
        result.ready().then(
          () => false,
          () => true,
        ),
      );
      await expect(result.get()).rejects.toThrow(NotFoundError);
      expect(await pool.map(square, [1, 2])).toEqual([1, 4]);
      await until('confirmed results are gone', async () => {
        const keys = await keysOf(server.url, `multiproc:{${manager.namespace}}:*`);
        return keys.every((key) => !/}:(?:j|m):/.test(key));
      });
    });
  });
});

describe('jobs go on', () => {
  test('after the server was killed and started again', async () => {
    const own = await RedisServer.start({ durable: true });
    await withSite(
      async ({ manager, start }) => {
        start(['--processes', '2']);
        const pool = await manager.Pool();
        expect(await pool.apply(square, [2])).toBe(4);
        const numbers = Array.from({ length: 200 }, (_, index) => index);
        const working = pool.map(square, numbers, { chunksize: 2 });
        await until('some are done', async () => (await pool.stats()).unfinished < 90);
        await own.kill();
        await own.begin();
        expect(await working).toEqual(numbers.map((x) => x * x));
      },
      { engine: own.url, lease: 30_000 },
    );
    await own.end();
  });

  test('after the network was cut for longer than the lease, by workers of a new session', async () => {
    const network = await Network.to(server.port);
    await withSite(async ({ manager }) => {
      const words = ['--processes', '1', '--lease', String(LEASE)];
      const workers = new Workers({ engine: network.url, namespace: manager.namespace, args: words });
      const pool = await manager.Pool();
      expect(await pool.apply(square, [2])).toBe(4);
      await network.close();
      await until('its lease is over', async () => (await pool.stats()).workers.length === 0);
      const result = pool.apply(square, [3]);
      await network.open();
      expect(await result).toBe(9);
      await workers.end();
    });
    await network.close();
  });
});

describe('multiproc worker', () => {
  function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, [commandLineTool, 'worker', ...args], { encoding: 'utf8' });
  }

  test('finishes its task at SIGTERM, takes no other, and ends', async () => {
    await withSite(async ({ manager, start }) => {
      const workers = start();
      const pool = await manager.Pool();
      const started = await manager.Queue<number>();
      const gate = await manager.Event();
      const result = pool.apply(waitFor, [started, gate, 'done']);
      const pid = await started.get();
      const next = pool.apply(square, [5]);
      workers.signal('SIGTERM');
      await until('the signal is sent on', () => workers.output.includes('ends when'));
      process.kill(pid, 0);
      await gate.set();
      expect(await result).toBe('done');
      expect(await workers.ended()).toBe(0);
      expect(await pool.stats()).toMatchObject({ unfinished: 1, workers: [] });
      start();
      expect(await next).toBe(25);
    });
  });

  test('ends at once at a second signal', async () => {
    await withSite(async ({ manager, start }) => {
      const workers = start();
      const pool = await manager.Pool({ attempts: 1 });
      const started = await manager.Queue<number>();
      const result = pool.apply(waitFor, [started, await manager.Event()]);
      await started.get();
      workers.signal('SIGTERM');
      workers.signal('SIGINT');
      expect(await workers.ended()).toBe(0);
      await expect(result).rejects.toThrow(WorkerDiedError);
    });
  });

  test('explains itself, and says what it cannot understand', () => {
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('multiproc worker') as unknown });
    const whole = ['--engine', server.url, '--namespace', 'x', '--module', remoteTasks];
    for (const [args, message] of [
      [[], '--engine, --namespace and --module are needed'],
      [[...whole, '--fast'], "Unknown option '--fast'"],
      [[...whole, '--processes', 'many'], '--processes must be a whole number'],
      [[...whole, '--processes', '0'], 'processes must be'],
      [[...whole, '--pool', '{x}'], "a pool's name must be"],
      [[...whole, '--lease', '1'], 'lease must be'],
      [[...whole.slice(0, 4), '--module', join(folder, 'no.mjs')], 'there is no module'],
      [['--engine', 'http://127.0.0.1', ...whole.slice(2)], 'engine must be a URL'],
    ] as const) {
      const { status, stderr } = run(...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
      expect(stderr).toContain('Usage: multiproc worker');
    }
  });

  test('fails when nobody listens, and when its module cannot be loaded', () => {
    const words = ['--namespace', 'x', '--processes', '1', '--module'];
    const nobody = run('--engine', 'redis://127.0.0.1:1', ...words, remoteTasks);
    expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringContaining('Cannot connect to Redis')]);
    const broken = join(folder, 'broken.mjs');
    copyFileSync(remoteTasks, broken);
    writeFileSync(broken, "throw new Error('no good');\n");
    const failed = run('--engine', server.url, ...words, broken);
    expect([failed.status, failed.stderr]).toEqual([1, expect.stringContaining('no good')]);
    expect(failed.stderr).toContain('Cannot work');
  });
});

/** The Redis engine where things go wrong: clients that die, a server that does, networks that break or say nothing. */
import { randomInt } from 'node:crypto';
import {
  attach,
  BrokenPipeError,
  Connection,
  Empty,
  Manager,
  NotFoundError,
  OverReleaseError,
  OwnerError,
  PermissionError,
  Pipe,
  Process,
  type RedisManager,
  registerClass,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blockWithLock, holdAndWait, workOff } from '../fixtures/managed-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { Network, RedisServer } from '../support/redis.js';
import { slowness } from '../support/slowness.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const LEASE = 5_000 * slowness;
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(async () => {
  await server.end();
});

/** Several processes on few processors may leave the threads that keep leases unattended for long. */
const STARVED = { lease: 4 * LEASE };

async function withManager(
  body: (manager: RedisManager) => Promise<void>,
  options: { engine?: string; namespace?: string; lease?: number } = {},
): Promise<void> {
  const manager = await Manager({ engine: server.url, lease: LEASE, ...options });
  try {
    await body(manager);
  } finally {
    await manager.shutdown();
  }
}

/** The object of that handle, by another way to the server. */
function attachBy<T extends { readonly handle: string }>(url: string, object: T): T {
  return attach(object.handle.replace(/^(multiproc:redis:)[^/]*/, `$1${encodeURIComponent(url)}`)) as unknown as T;
}

/** A child that holds things, as soon as it does. */
async function holder(objects: object): Promise<{ child: Process; taken: unknown }> {
  const [here, there] = Pipe();
  const child = new Process({ target: holdAndWait, args: [there, objects] });
  child.start();
  there.close();
  const taken = await here.recv({ timeout: 200_000 });
  here.close();
  return { child, taken };
}

describe('a client that is killed', () => {
  test('holding a lock, permits and a job, and waiting at a barrier, has them no more when its lease is over', async () => {
    await withManager(async (manager) => {
      const lock = await manager.Lock();
      const semaphore = await manager.Semaphore(1);
      const jobs = await manager.JoinableQueue();
      const barrier = await manager.Barrier(2);
      await jobs.putMany(['first', 'second']);
      const { child, taken } = await holder({ lock, semaphore, jobs, barrier });
      expect(taken).toBe('first');
      expect(await lock.acquire({ timeout: 0 })).toBe(false);
      child.kill();
      expect(await child.join()).toBe(-9);
      const hold = await lock.hold({ timeout: 200_000 });
      expect([hold.ownerDied, hold.fence]).toEqual([true, 2]);
      await hold.release();
      expect((await lock.hold()).ownerDied).toBe(false);
      expect(await semaphore.acquire({ timeout: 200_000 })).toBe(true);
      const job = await jobs.take();
      expect([job.value, job.attempts]).toEqual(['first', 2]);
      await job.done();
      await expect(barrier.wait()).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_BARRIER' });
    });
  });

  test('and works off jobs: 4 workers, many kills, and nothing is lost', async () => {
    await withManager(async (manager) => {
      const jobs = await manager.JoinableQueue<number>();
      const results = await manager.Queue<number>();
      const count = 3_000;
      await jobs.putMany(Array.from({ length: count }, (_, index) => index));
      const start = (): Process => {
        const child = new Process({ target: workOff, args: [jobs, results] });
        child.start();
        return child;
      };
      const workers = [start(), start(), start(), start()];
      let kills = 0;
      while (!(await jobs.join({ timeout: 400 }))) {
        if (kills >= 5) continue;
        const at = randomInt(workers.length);
        workers[at]?.kill();
        await workers[at]?.join();
        workers[at] = start();
        kills += 1;
      }
      await jobs.shutdown();
      for (const worker of workers) expect([await worker.join(), worker.error]).toEqual([0, null]);
      const seen = new Set<number>();
      while (!(await results.empty())) for (const number of await results.getMany()) seen.add(number);
      expect(seen.size).toBe(count);
      expect(await jobs.unfinished()).toBe(0);
    }, STARVED);
  });
});

test('a process whose event loop is busy for longer than the lease keeps its lock', async () => {
  await withManager(async (manager) => {
    const lock = await manager.Lock();
    const [here, there] = Pipe();
    const child = new Process({ target: blockWithLock, args: [there, lock, 3 * LEASE] });
    child.start();
    there.close();
    await until('the child has the lock', () => lock.locked());
    const hold = await lock.hold({ timeout: 200_000 });
    expect(hold.ownerDied).toBe(false);
    expect(await here.recv()).toBe(false);
    here.close();
    expect(await child.join()).toBe(0);
    expect(here).toBeInstanceOf(Connection);
  });
});

describe('a network', () => {
  test('that breaks again and again, when something was done and not answered, does each step once', async () => {
    const network = await Network.to(server.port);
    await withManager(
      async (manager) => {
        const value = await manager.Value('i', 0);
        const queue = await manager.Queue<number>();
        network.loseAnswers(13);
        for (let number = 0; number < 150; number += 1) {
          await value.add(1);
          await queue.put(number);
          if (number % 2 === 1) expect([await queue.get(), await queue.get()]).toEqual([number - 1, number]);
        }
        network.loseAnswers(Infinity);
        expect([await value.get(), await queue.qsize()]).toEqual([150, 0]);
      },
      { engine: network.url, lease: 10_000 },
    );
    await network.close();
  });

  test.each(['closed', 'silent'] as const)(
    'that is %s for longer than the lease: the lock is lost here, which is told, and another one has it',
    async (how) => {
      const network = await Network.to(server.port);
      const namespace = `cut-${how}`;
      await withManager(
        async (other) => {
          const cut = await Manager({ engine: network.url, namespace, lease: LEASE });
          const lock = await cut.Lock();
          const jobs = await cut.JoinableQueue();
          await jobs.put('job');
          const hold = await lock.hold();
          const job = await jobs.take();
          if (how === 'closed') await network.close();
          else network.silence(true);
          const [same, sameJobs] = [attachBy(server.url, lock), attachBy(server.url, jobs)];
          expect(hold.signal.aborted).toBe(false);
          const failing = lock.locked();
          await expect(failing).rejects.toThrow(BrokenPipeError);
          expect([hold.signal.aborted, job.signal.aborted]).toEqual([true, true]);
          const next = await same.hold({ timeout: 200_000 });
          expect([next.ownerDied, next.fence > hold.fence]).toEqual([true, true]);
          const again = await sameJobs.take({ timeout: 200_000 });
          expect([again.value, again.attempts]).toEqual(['job', 2]);
          if (how === 'closed') await network.open();
          else {
            network.silence(false);
            network.breakConnections();
          }
          // What it held is not its own any more, and what it does from now on works.
          await expect(hold.release()).rejects.toThrow(BrokenPipeError);
          await expect(job.done()).rejects.toThrow(BrokenPipeError);
          expect(await lock.locked()).toBe(true);
          await next.release();
          await again.done();
          await expect(again.done()).rejects.toThrow(OverReleaseError);
          expect(await lock.run(() => 'works')).toBe('works');
          expect(String(other)).toContain(server.url);
          await cut.close();
        },
        { namespace },
      );
      await network.close();
    },
  );
});

describe('a server that is away when an object is used for the first time', () => {
  test('and comes back: the use has waited for it', async () => {
    const network = await Network.to(server.port);
    network.refuse(true);
    await withManager(async (manager) => {
      const queue = await manager.Queue<string>();
      await queue.put('there');
      const getting = attachBy(network.url, queue).get();
      await Promise.race([getting, until('it has tried more than once', () => network.refused > 1)]);
      network.refuse(false);
      expect(await getting).toBe('there');
    }, STARVED);
    await network.close();
  });

  test('and stays away: the use fails when the lease is over, or its own time', async () => {
    const network = await Network.to(server.port);
    await network.close();
    await withManager(async (manager) => {
      const queue = await manager.Queue<string>();
      const away = attachBy(network.url, queue);
      const failing = expect(away.get()).rejects.toThrow(NotFoundError);
      await expect(away.get({ timeout: 1 })).rejects.toThrow(Empty);
      await expect(away.get({ signal: AbortSignal.abort(new Error('called off')) })).rejects.toThrow('called off');
      await failing;
    });
  });
});

test('a server that is killed and started again under load has lost nothing that it has answered', async () => {
  const own = await RedisServer.start({ durable: true });
  await withManager(
    async (manager) => {
      const jobs = await manager.JoinableQueue<number>();
      const results = await manager.Queue<number>();
      const workers = [1, 2].map(() => new Process({ target: workOff, args: [jobs, results] }));
      for (const worker of workers) worker.start();
      const count = 600;
      for (let number = 0; number < count; number += 1) {
        await jobs.put(number);
        if (number % 200 === 100) {
          const restarting = own.kill().then(() => own.begin());
          await jobs.put(number);
          await restarting;
        }
      }
      expect(await jobs.join({ timeout: 200_000 })).toBe(true);
      await jobs.shutdown();
      for (const worker of workers) expect([await worker.join(), worker.error]).toEqual([0, null]);
      const seen = new Set<number>();
      while (!(await results.empty())) for (const number of await results.getMany()) seen.add(number);
      expect(seen.size).toBe(count);
    },
    { engine: own.url, lease: 30_000 },
  );
  await own.end();
});

describe('a queue', () => {
  test('with a message that cannot be decoded here gives those before it, then the error, then those behind it', async () => {
    await withManager(async (manager) => {
      class Known {
        readonly x = 1;
      }
      registerClass('redis-test-known', Known, {
        toData: ({ x }) => x,
        fromData: () => {
          throw new Error('not here');
        },
      });
      const queue = await manager.Queue();
      await queue.putMany([1, new Known(), 3]);
      expect(await queue.getMany()).toEqual([1]);
      await expect(queue.getMany()).rejects.toThrow('not here');
      expect(await queue.getMany()).toEqual([3]);
      expect(await queue.empty()).toBe(true);
    });
  });
});

describe('a manager', () => {
  test('removes all it has from the engine when it is shut down, and its objects say so', async () => {
    const manager = await Manager({ engine: server.url, lease: LEASE, namespace: 'removed' });
    const other = await Manager({ engine: server.url, lease: LEASE, namespace: 'removed-not' });
    const queue = await manager.Queue();
    const kept = await other.Queue();
    await queue.put(1);
    await kept.put(1);
    await manager.shutdown();
    await expect(queue.put(1)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_STATE' });
    const attached = attach(queue.handle) as unknown as typeof queue;
    await expect(attached.put(1)).rejects.toThrow(NotFoundError);
    expect(await kept.get()).toBe(1);
    await other.shutdown();
    const again = await Manager({ engine: server.url, lease: LEASE, namespace: 'removed' });
    await again.shutdown();
  });

  test('finds its scripts again when the server has forgotten them', async () => {
    await withManager(async (manager) => {
      const value = await manager.Value('i', 0);
      await value.add(1);
      const { createClient } = (await import('redis')) as typeof import('redis');
      const client = createClient({ url: server.url });
      await client.connect();
      await client.sendCommand(['SCRIPT', 'FLUSH']);
      client.destroy();
      expect(await value.add(1)).toBe(2);
    });
  });

  test('needs the right password, which no handle has', async () => {
    const own = await RedisServer.start({ password: 's3cret' });
    try {
      await expect(Manager({ engine: own.url })).rejects.toThrow(PermissionError);
      const manager = await Manager({ engine: own.url.replace('//', '//:s3cret@'), lease: LEASE });
      const lock = await manager.Lock();
      expect(lock.handle + String(lock) + String(manager)).not.toContain('s3cret');
      const same = attach(lock.handle) as unknown as typeof lock;
      expect(await same.run(() => 1)).toBe(1);
      const [here, there] = Pipe();
      const child = new Process({
        target: blockWithLock,
        args: [there, lock, 0],
        env: { MULTIPROC_REDIS_PASSWORD: 's3cret' },
      });
      child.start();
      expect(await child.join()).toBe(0);
      expect(await here.recv()).toBe(false);
      here.close();
      there.close();
      await manager.shutdown();
    } finally {
      await own.end();
    }
  });

  test('of another who has the lock: release by a hold is refused, release by anybody is not', async () => {
    await withManager(async (manager) => {
      const lock = await manager.Lock();
      const hold = await lock.hold();
      await lock.release();
      await lock.acquire();
      await expect(hold.release()).rejects.toThrow(OwnerError);
      await lock.release();
    });
  });

  test('says when nobody listens, and what it cannot use', async () => {
    await expect(Manager({ engine: 'redis://127.0.0.1:1' })).rejects.toThrow(NotFoundError);
    await expect(Manager({ engine: 'http://127.0.0.1' })).rejects.toThrow(TypeError);
    await expect(Manager({ engine: server.url, namespace: '{x}' })).rejects.toThrow(RangeError);
    await expect(Manager({ engine: server.url, lease: 1 })).rejects.toThrow(RangeError);
  });
});

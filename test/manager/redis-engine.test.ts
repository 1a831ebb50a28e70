/** What a Redis engine needs and leaves: its package, encryption, namespaces that nobody uses any more, conditions whose waiters die. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ManagedCondition, Manager, OwnerError, Pipe, Process } from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAndWait, waitAndWait } from '../fixtures/managed-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { keysOf, RedisServer, setOf } from '../support/redis.js';
import { slowness } from '../support/slowness.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const LEASE = 5_000 * slowness;
const root = fileURLToPath(new URL('../..', import.meta.url));
let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), 'multiproc-engine-'));
});

afterAll(async () => {
  await server.end();
  rmSync(folder, { recursive: true });
});

/** A child that waits at a condition with the lock released. */
async function waiter(condition: ManagedCondition): Promise<Process> {
  const [here, there] = Pipe();
  const child = new Process({ target: waitAndWait, args: [there, condition] });
  child.start();
  there.close();
  await here.recv({ timeout: 200_000 });
  here.close();
  // It has said so with the lock in its hand.
  await condition.run(() => undefined);
  return child;
}

describe('a condition', () => {
  test('whose waiter was killed, before or after the notification, gives it to the next one', async () => {
    const manager = await Manager({ engine: server.url, lease: LEASE });
    const condition = await manager.Condition(await manager.Lock());
    const before = await waiter(condition);
    const after = await waiter(condition);
    before.kill();
    await before.join();
    const patient = condition.run(() => condition.wait({ timeout: 200_000 }));
    await until('it waits', async () => !(await condition.locked()));
    await condition.run(async () => {
      // The first and the second: of the dead one the engine does not know yet, the other is killed before it gets the lock.
      await condition.notify(2);
      after.kill();
      await after.join();
    });
    expect(await patient).toBe(true);
    expect(await condition.locked()).toBe(false);
    await manager.shutdown();
  });

  test('needs a lock of its manager, and its owner', async () => {
    const manager = await Manager({ engine: server.url, lease: LEASE });
    const other = await Manager({ engine: server.url, lease: LEASE });
    await expect(manager.Condition(await other.Lock())).rejects.toThrow(TypeError);
    const condition = await manager.Condition();
    await expect(condition.notifyAll()).rejects.toThrow(OwnerError);
    await other.shutdown();
    await manager.shutdown();
  });
});

describe('a namespace without a name', () => {
  test('is removed by the next manager when nobody has used it for a time, and one in use is not', async () => {
    const [here, there] = Pipe();
    const child = new Process({ target: makeAndWait, args: [there, server.url, LEASE] });
    child.start();
    there.close();
    const namespace = (await here.recv({ timeout: 200_000 })) as string;
    here.close();
    const living = await Manager({ engine: server.url, lease: LEASE });
    const kept = await living.Value('i', 5);
    child.kill();
    await child.join();
    const keys = (): Promise<string[]> => keysOf(server.url, `multiproc:{${namespace}}:*`);
    expect((await keys()).length).toBeGreaterThan(2);
    // It has been used a moment ago.
    await (await Manager({ engine: server.url, lease: LEASE })).shutdown();
    expect((await keys()).length).toBeGreaterThan(2);
    // A minute passes.
    await setOf(server.url, 'multiproc:anonymous', `multiproc:{${namespace}}:`, 1);
    await (await Manager({ engine: server.url, lease: LEASE })).shutdown();
    expect(await keys()).toEqual([]);
    expect(await kept.get()).toBe(5);
    await living.shutdown();
  });

  test('can be used by its name, and is forgotten when it is shut down', async () => {
    const manager = await Manager({ engine: server.url, lease: LEASE });
    const same = await Manager({ engine: server.url, lease: LEASE, namespace: manager.namespace });
    expect(same.namespace).toBe(manager.namespace);
    await manager.shutdown();
    expect(await keysOf(server.url, `multiproc:{${manager.namespace}}:*`)).toEqual([]);
  });
});

test('without the package redis there is an error that says how to get it', () => {
  const place = join(folder, 'project/node_modules/multiproc');
  mkdirSync(place, { recursive: true });
  cpSync(join(root, 'package.json'), join(place, 'package.json'));
  cpSync(join(root, 'dist'), join(place, 'dist'), { recursive: true });
  cpSync(join(root, 'build/Release/multiproc.node'), join(place, 'build/Release/multiproc.node'));
  const program = `
    import { Manager } from 'multiproc';
    await Manager({ engine: 'redis://127.0.0.1:1' }).catch((error) => console.log(error.name, error.code, error.message));
  `;
  const cwd = join(folder, 'project');
  const run = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, args, { cwd, encoding: 'utf8', env: { PATH: process.env['PATH'] } });
  const message = "Cannot use a Redis engine: the package 'redis' is not installed; run: npm install redis";
  expect(run('--input-type=module', '-e', program).stdout).toBe(`NotFoundError ERR_MULTIPROC_NOT_FOUND ${message}\n`);
  writeFileSync(join(cwd, 'tasks.mjs'), '');
  const words = ['--engine', 'redis://127.0.0.1:1', '--namespace', 'x', '--module', 'tasks.mjs'];
  const worker = run('node_modules/multiproc/dist/cli/main.js', 'worker', ...words);
  expect([worker.status, String(worker.stderr)]).toEqual([1, expect.stringContaining(message)]);
});

describe('over TLS', () => {
  /** Runs openssl. */
  function openssl(...args: string[]): void {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  }

  test('an engine is used by who knows the authority of its certificate, and by nobody else', async () => {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority');
    openssl('req', ...key.slice(0, 3), '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=127.0.0.1');
    writeFileSync(join(folder, 'names.txt'), 'subjectAltName=IP:127.0.0.1\n');
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names.txt'];
    openssl('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signing);
    const own = await RedisServer.start({ tls: { folder, key: 'server.key', cert: 'server.pem', ca: 'ca.pem' } });
    try {
      expect(own.url).toMatch(/^rediss:/);
      await expect(Manager({ engine: own.url, lease: LEASE })).rejects.toMatchObject({
        code: 'ERR_MULTIPROC_NOT_FOUND',
      });
      const program = `
        import { Manager } from 'multiproc';
        const manager = await Manager({ engine: ${JSON.stringify(own.url)}, lease: ${LEASE} });
        const queue = await manager.Queue();
        const got = queue.get();
        await queue.put('through the tunnel');
        console.log(await got, await (await manager.Lock()).run((hold) => hold.signal.aborted));
        await manager.shutdown();
      `;
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
      });
      expect([stdout, stderr]).toEqual(['through the tunnel false\n', '']);
    } finally {
      await own.end();
    }
  });
});

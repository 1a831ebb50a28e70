// @ts-check
/** Objects that another process keeps: this library's manager, and Redis on loopback. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

/** Calls that are under way at a time where they need not wait for each other. */
const WINDOW = 128;
const WARM_UP_NS = 1e9;

/**
 * @typedef {object} Kept what one kind of server keeps
 * @property {() => PromiseLike<unknown>} get reads the entry of a dict that is there
 * @property {(value: number) => PromiseLike<unknown>} set
 * @property {(value: number) => PromiseLike<unknown>} put
 * @property {() => PromiseLike<unknown>} take gets from the queue
 * @property {() => PromiseLike<unknown>} end
 */

/** @returns {Promise<Kept>} */
async function ours() {
  const { Manager } = await import('../harness/multiproc.mjs');
  const manager = await Manager();
  const dict = await manager.dict({ key: 1 });
  const queue = await manager.Queue();
  return {
    get: () => dict.get('key'),
    set: (value) => dict.set('key', value),
    put: (value) => queue.put(value),
    take: () => queue.get(),
    end: () => manager.shutdown(),
  };
}

/** @returns {Promise<Kept>} */
async function redis() {
  const { createClient } = await import('redis');
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'));
  const path = join(folder, 'socket');
  const settings = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir', folder];
  const server = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.stdout.on('data', (text) => {
      if (String(text).includes('ready to accept')) resolve(undefined);
    });
  });
  const client = createClient({ socket: { path, tls: false } });
  await client.connect();
  await client.hSet('dict', 'key', '1');
  return {
    get: async () => Number(await client.hGet('dict', 'key')),
    set: (value) => client.hSet('dict', 'key', String(value)),
    put: (value) => client.rPush('queue', String(value)),
    take: async () => Number(await client.lPop('queue')),
    async end() {
      await client.close();
      server.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

/** @type {Record<string, (kept: Kept, count: number) => Promise<void>>} */
const works = {
  async get(kept, count) {
    await kept.set(7);
    for (let n = 0; n < count; n += 1) expect(await kept.get(), 7);
  },
  async set(kept, count) {
    for (let n = 0; n < count; n += 1) await kept.set(n);
    expect(await kept.get(), count - 1);
  },
  async queue(kept, count) {
    for (let n = 0; n < count; n += 1) {
      await kept.put(n);
      expect(await kept.take(), n);
    }
  },
  async pipelined(kept, count) {
    await kept.set(7);
    for (let left = count; left > 0; left -= WINDOW) {
      const values = await Promise.all(Array.from({ length: Math.min(left, WINDOW) }, kept.get));
      for (const value of values) expect(value, 7);
    }
  },
};

/** @param {unknown} actual @param {unknown} expected */
function expect(actual, expected) {
  if (actual !== expected) throw new Error(`Cannot accept sample: ${actual} came back instead of ${expected}`);
}

/** @type {{ server: string, work: string, count: number }} */
const { server, work, count } = JSON.parse(process.argv[2] ?? '');
const kept = await (server === 'redis' ? redis() : ours());
const run = /** @type {NonNullable<typeof works[string]>} */ (works[work]);
const warm = Math.max(1, Math.ceil(count / 10));
for (const start = nowNs(); nowNs() - start < WARM_UP_NS;) await run(kept, warm);
const start = nowNs();
await run(kept, count);
const elapsedNs = nowNs() - start;
await kept.end();
printReport({ elapsedNs, count, metrics: { perOperation: elapsedNs / count } });

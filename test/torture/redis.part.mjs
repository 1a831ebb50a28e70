// @ts-check
// 100,000 jobs in Redis through four workers, of which one after the other is killed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Manager, Process } from 'multiproc';
import { workOff } from '../fixtures/managed-tasks.mjs';

const JOBS = 100_000;
const WORKERS = 4;
const LEASE = 10_000;
/** Milliseconds between two kills. */
const INTERVAL = 10_000;

async function freePort() {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** @param {number} port */
async function untilItListens(port) {
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return;
    } catch {
      // Not yet.
    } finally {
      socket.destroy();
    }
  }
}

/** @param {{ list: () => Promise<number[]>, empty: () => Promise<boolean> }} results @param {Uint8Array} seen */
async function collect(results, seen) {
  let count = 0;
  while (!(await results.empty())) {
    for (const number of await results.list()) {
      seen[number] = 1;
      count += 1;
    }
  }
  return count;
}

/** @type {import('./part.js').Part} */
export const part = {
  name: 'redis',
  summary: '100,000 jobs in Redis through four workers that are killed one after the other; none is lost',
  async run({ seed, log }) {
    const folder = mkdtempSync(join(tmpdir(), 'multiproc-redis-'));
    const port = await freePort();
    const server = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      {
        stdio: 'ignore',
      },
    );
    await once(server, 'spawn');
    await untilItListens(port);
    const manager = await Manager({ engine: `redis://127.0.0.1:${port}`, lease: LEASE });
    try {
      const jobs = await manager.JoinableQueue();
      const results = /** @type {import('multiproc').ManagedQueue<number>} */ (await manager.Queue());
      await jobs.putMany(Array.from({ length: JOBS }, (_, index) => index));
      const start = () => {
        const child = new Process({ target: workOff, args: [jobs, results] });
        child.start();
        return child;
      };
      const workers = Array.from({ length: WORKERS }, start);
      const seen = new Uint8Array(JOBS);
      const begun = performance.now();
      let kills = 0;
      let done = 0;
      while (!(await jobs.join({ timeout: INTERVAL }))) {
        const at = (seed + kills) % WORKERS;
        workers[at]?.kill();
        await workers[at]?.join();
        workers[at] = start();
        kills += 1;
        done += await collect({ list: () => results.getMany(), empty: () => results.empty() }, seen);
        log(`${done} done, ${kills} kills`);
      }
      const seconds = (performance.now() - begun) / 1000;
      await jobs.shutdown();
      const codes = await Promise.all(workers.map((worker) => worker.join()));
      done += await collect({ list: () => results.getMany(), empty: () => results.empty() }, seen);
      const lost = seen.filter((each) => each === 0).length;
      const ok = lost === 0 && codes.every((code) => code === 0) && (await jobs.unfinished()) === 0;
      return { ok, figures: { jobs: JOBS, kills, lost, twice: done - JOBS, seconds: Math.round(seconds) } };
    } finally {
      await manager.shutdown();
      server.kill();
      await once(server, 'exit');
      rmSync(folder, { recursive: true });
    }
  },
};

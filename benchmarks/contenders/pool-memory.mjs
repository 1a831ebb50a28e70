// @ts-check
/** How much memory idle workers take: the private part of each process, and its share of the rest (PSS), of all together. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { isMainProcess, Pool } from '../harness/multiproc.mjs';
import { printReport } from '../harness/report.mjs';
import { nowNs } from '../harness/clock.mjs';

const SETTLE_MS = 1500;

/** @param {number} pid */
function memoryOf(pid) {
  const [, kib = 'NaN'] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** @param {string} kind @param {number} count @returns {Promise<{ pids: number[], end: () => Promise<unknown> }>} */
async function startWorkers(kind, count) {
  if (kind === 'node') {
    const children = Array.from({ length: count }, () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)']));
    return {
      pids: children.map(({ pid }) => pid ?? 0),
      end: async () => {
        for (const child of children) child.kill('SIGKILL');
      },
    };
  }
  const pool = new Pool(count);
  while (pool.stats().workers.some(({ ready }) => !ready)) await delay(20);
  return { pids: pool.stats().workers.map(({ pid }) => pid), end: () => pool.terminate() };
}

if (isMainProcess) {
  /** @type {{ kind: string, count: number }} */
  const { kind, count } = JSON.parse(process.argv[2] ?? '');
  const start = nowNs();
  const { pids, end } = await startWorkers(kind, count);
  await delay(SETTLE_MS);
  const memory = pids.map(memoryOf).reduce((sum, bytes) => sum + bytes, 0);
  await end();
  printReport({ elapsedNs: nowNs() - start, count, metrics: { memory } });
}

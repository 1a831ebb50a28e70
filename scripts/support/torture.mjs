// @ts-check
// The parts of the torture, and what is told about a run of them.

import Table from 'cli-table3';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.mjs';

/** @typedef {import('../../test/torture/part.js').Part} Part */
/** @typedef {{ name: string, ok: boolean, seconds: number, figures: Readonly<Record<string, unknown>> }} Ended */

const folder = join(root, 'test', 'torture');

/** @returns {Promise<Part[]>} by name */
export async function findParts() {
  const files = readdirSync(folder).filter((file) => file.endsWith('.part.mjs'));
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, file)).href)));
  return modules.map(({ part }) => part).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param {readonly Part[]} parts */
export function listOf(parts) {
  const width = Math.max(...parts.map(({ name }) => name.length));
  return parts.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}\n`).join('');
}

/** @param {readonly Ended[]} ended */
export function outcomeTable(ended) {
  const table = new Table({ head: ['part', 'verdict', 'seconds', 'figures'], style: { head: [], border: [] } });
  for (const { name, ok, seconds, figures } of ended) {
    const lines = Object.entries(figures).map(([what, value]) => `${what}: ${shown(value)}`);
    table.push([name, ok ? 'held' : 'DID NOT HOLD', seconds.toFixed(0), lines.join('\n')]);
  }
  return table.toString();
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a run depends on: the head of its record. @param {number} seed @param {number} minutes of each part */
export function describeRun(seed, minutes) {
  const cpus = os.cpus();
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', 'HEAD'),
    uncommitted: git('status', '--porcelain') !== '',
    seed,
    minutesEach: minutes,
    node: process.version,
    kernel: os.release(),
    architecture: process.arch,
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg(),
  };
}

/** @param {string[]} args */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

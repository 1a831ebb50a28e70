// @ts-check
// Users of locks, conditions, barriers, arenas and segments, killed and stopped at every point, again and again: each
// time with another seed, so that they meet the others elsewhere.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildNativeTests } from '../../scripts/support/native-build.mjs';
import { root } from '../../scripts/support/root.mjs';

const PROGRAMS = [
  'lock_crash_test',
  'condition_crash_test',
  'barrier_crash_test',
  'arena_crash_test',
  'arena_creator_crash_test',
  'segment_crash_test',
  'segment_race_test',
  'sync_pause_test',
];
const FOLDER = join('build-cmake', 'plain');

/** @type {import('./part.js').Part} */
export const part = {
  name: 'objects',
  summary: 'locks, conditions, barriers, arenas and segments, killed and stopped at every shared write and system call',
  run({ minutes, seed, log }) {
    const figures = { rounds: 0, kills: 0, stops: 0 };
    if (!buildNativeTests(FOLDER, '')) return Promise.resolve({ ok: false, figures });
    const end = Date.now() + minutes * 60_000;
    let next = seed;
    do {
      for (const program of PROGRAMS) {
        const env = { ...process.env, NATIVE_TEST_SEED: String(next), NATIVE_TEST_STEPS: 'all' };
        const ran = spawnSync(join(root, FOLDER, program), { env, encoding: 'utf8' });
        const kills = sum(ran.stdout, 'kill');
        const stops = sum(ran.stdout, 'stop');
        figures.kills += kills;
        figures.stops += stops;
        if (ran.status !== 0 || kills + stops === 0) {
          log(`${program} failed with NATIVE_TEST_SEED=${String(next)}\n${ran.stdout}${ran.stderr}`);
          return Promise.resolve({ ok: false, figures });
        }
      }
      figures.rounds++;
      log(`objects: round ${String(figures.rounds)}, ${String(figures.kills)} kills, ${String(figures.stops)} stops`);
      next++;
    } while (Date.now() < end);
    return Promise.resolve({ ok: true, figures });
  },
};

/**
 * @param {string} output
 * @param {'kill' | 'stop'} what
 */
function sum(output, what) {
  let total = 0;
  for (const [, count] of output.matchAll(new RegExp(`: (\\d+) ${what} points$`, 'gm'))) total += Number(count);
  return total;
}

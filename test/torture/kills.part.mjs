// @ts-check
// The native kill and stop tests of the ring, again and again: with other seeds, and more processes at work beside the
// one that dies.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildNativeTests } from '../../scripts/support/native-build.mjs';
import { root } from '../../scripts/support/root.mjs';

const FOLDER = join('build-cmake', 'plain');
const PROGRAMS = [
  'ring_crash_test',
  'ring_pause_test',
  'ring_beside_pause_test',
  'ring_reaper_test',
  'ring_reaper_pause_test',
  'ring_ends_crash_test',
];
/** Beside the victim; the rings of these tests have room for no more. */
const MOST_OTHERS = 6;

/** @type {import('./part.js').Part} */
export const part = {
  name: 'kills',
  summary: 'a process is killed, or stopped, at every shared write and system call of every operation on a queue',
  async run({ minutes, seed, log }) {
    if (!buildNativeTests(FOLDER, '')) return { ok: false, figures: { rounds: 0 } };
    const end = performance.now() + minutes * 60_000;
    const figures = { rounds: 0, killPoints: 0, stopPoints: 0, longestWaitMs: 0 };
    do {
      const env = {
        ...process.env,
        NATIVE_TEST_SEED: String(seed + figures.rounds),
        NATIVE_TEST_STEPS: 'all',
        NATIVE_TEST_OTHERS: String(3 + (figures.rounds % (MOST_OTHERS - 2))),
      };
      for (const program of PROGRAMS) {
        const { code, text } = await outputOf(join(root, FOLDER, program), env);
        figures.killPoints += sumOf(text, /^total: (\d+) kill points/gm);
        figures.stopPoints += sumOf(text, /^total: (\d+) stop points/gm);
        for (const [, wait] of text.matchAll(/longest wait (\d+) ms/g)) {
          figures.longestWaitMs = Math.max(figures.longestWaitMs, Number(wait));
        }
        if (code !== 0) {
          log(
            `${program} with NATIVE_TEST_SEED=${env.NATIVE_TEST_SEED} NATIVE_TEST_OTHERS=${env.NATIVE_TEST_OTHERS}:\n${text}`,
          );
          return { ok: false, figures };
        }
      }
      figures.rounds++;
      log(`${figures.rounds} rounds: ${figures.killPoints} kill points, ${figures.stopPoints} stop points`);
    } while (performance.now() < end);
    return { ok: figures.killPoints > 0 && figures.stopPoints > 0, figures };
  },
};

/**
 * Runs a test program, which has a watchdog of its own.
 *
 * @param {string} program
 * @param {NodeJS.ProcessEnv} env
 */
async function outputOf(program, env) {
  const child = spawn(program, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => (text += chunk));
  }
  const [code] = await once(child, 'close');
  return { code: /** @type {number | null} */ (code), text };
}

/**
 * @param {string} text
 * @param {RegExp} pattern its group is a number
 */
function sumOf(text, pattern) {
  let sum = 0;
  for (const [, number] of text.matchAll(pattern)) sum += Number(number);
  return sum;
}

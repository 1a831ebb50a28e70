// @ts-check
// Worker threads that are terminated at any moment, while their process goes on.
import { start } from './processes.mjs';

/** @param {{ count: number, seed: number, watchdog: number }} threads */
export async function endAtRandom({ count, seed, watchdog }) {
  const { code, signal, message, stderr, stuck } = await start('terminate-threads.mjs', [count, seed], { watchdog })
    .ended;
  const failed = code !== 0 || stderr !== '' || stuck !== null;
  const failures = failed ? [`the process ended with ${code ?? signal}: ${stuck ?? stderr}`] : [];
  return { failures, figures: /** @type {{ terminated: number, deaths: number, messages: number }} */ (message ?? {}) };
}

/** @type {import('./part.js').Part} */
export const part = {
  name: 'threads',
  summary: '5,000 worker threads terminated at any moment',
  async run({ seed, log }) {
    const { failures, figures } = await endAtRandom({ count: 5_000, seed, watchdog: 60 * 60_000 });
    for (const failure of failures) log(failure);
    return { ok: failures.length === 0, figures: { ...figures, failures: failures.length } };
  },
};

// @ts-check
// Lies: shared memory is overwritten in the middle of operations, whatever they are doing.

import { buildFuzzTargets, fuzz, fuzzTargets } from '../../scripts/support/fuzz-build.mjs';

/** @type {import('./part.js').Part} */
export const part = {
  name: 'lies',
  summary: 'shared memory overwritten while it is used: headers, queues, participants, locks',
  async run({ minutes, seed, log }) {
    if (!buildFuzzTargets()) return { ok: false, figures: {} };
    /** @type {Record<string, number>} */
    const figures = {};
    let ok = true;
    for (const name of fuzzTargets) {
      // libFuzzer takes 0 for a wish to choose by itself.
      const result = fuzz(name, { seconds: (minutes * 60) / fuzzTargets.length, seed: seed === 0 ? 1 : seed });
      log(`${name}: ${result.executions} executions in ${result.seconds.toFixed(0)} s${result.report}\n`);
      figures[`${name} executions`] = result.executions;
      ok &&= result.ok;
    }
    return { ok, figures };
  },
};

// @ts-check
// Kills processes in every operation of the public API at every point of it, beside 0, 1 and 3 others; then, as long as
// there is time, at random ones.

import { buildFaultAddon } from '../../scripts/support/build-tested-addon.mjs';
import { operations } from './api/operations.mjs';
import { Random } from './api/random.mjs';
import { Trials } from './api/trial.mjs';

/** How many work at a time: while one process starts, another one is looked after. */
const LANES = 2;

/** @type {import('./part.js').Part} */
export const part = {
  name: 'api',
  summary: 'a process is killed at every point of every operation of the public API, beside 0, 1 and 3 others',
  async run({ minutes, seed, log }) {
    const addon = buildFaultAddon();
    if (addon === undefined) return { ok: false, figures: { problem: 'the addon with fault points cannot be built' } };
    const end = performance.now() + minutes * 60_000;
    const random = new Random(seed);
    const lanes = Array.from({ length: LANES }, () => new Trials(addon));
    /** @type {{ what: string, others: number, points: number }[]} */
    const passes = Object.entries(operations).flatMap(([what, { ends }]) =>
      (ends === true ? [0] : [0, 1, 3]).map((others) => ({ what, others, points: 0 })),
    );
    let next = 0;
    let drawn = 0;
    try {
      await Promise.all(
        lanes.map(async (trials) => {
          for (let pass = passes[next++]; pass !== undefined; pass = passes[next++]) {
            while ((await trials.run(pass.what, pass.points + 1, pass.others)).killed) pass.points++;
            log(`${pass.what}, beside ${pass.others}: killed at ${pass.points} points`);
          }
          while (performance.now() < end) {
            const { what, others, points } = random.of(passes);
            await trials.run(what, 1 + random.below(points + 1), others);
            drawn++;
          }
        }),
      );
    } finally {
      for (const trials of lanes) await trials.end();
    }
    const beside = lanes.reduce((sum, lane) => sum + lane.beside, 0);
    const wentOn = lanes.reduce((sum, lane) => sum + lane.wentOn, 0);
    const figures = {
      operations: Object.keys(operations).length,
      points: passes.reduce((sum, { points }) => sum + points, 0),
      kills: lanes.reduce((sum, { kills }) => sum + kills, 0),
      'at random': drawn,
      'beside a victim': beside,
      'of them seen to go on': wentOn,
      'longest round of another, ms': Math.round(Math.max(...lanes.map(({ longest }) => longest))),
    };
    // Who had nothing left to do when the victim died shows nothing.
    const shown = wentOn * 10 > beside * 9;
    return { ok: shown && passes.every(({ points }) => points > 0), figures };
  },
};

// @ts-check
/** Holds what was measured against what was promised. */
import { summarize } from './statistics.mjs';

/** @typedef {import('../cases/case.mjs').Case} Case */
/** @typedef {import('./schedule.mjs').Measured} Measured */

/**
 * @typedef {object} Verdict
 * @property {string} target
 * @property {string} bound
 * @property {import('./statistics.mjs').Summary | null} measured ratio, or figure; its spread over the rounds
 * @property {boolean | null} reached null when it could not be measured
 * @property {string} [reason] why not
 */

/** @param {Case} theCase @param {Measured[]} results @returns {Verdict[]} */
export function judge(theCase, results) {
  return theCase.targets.map((target) => {
    const sign = target.bound === 'atLeast' ? '≥' : '≤';
    const value = Number(target.value.toPrecision(3));
    const base = {
      target: target.text,
      bound: target.against ? `ratio ${sign} ${value}` : `${sign} ${value} ${theCase.unit}`,
    };
    /** @param {string} id */
    const find = (id) => results.find((result) => result.id === id);
    const own = find(target.of);
    if (own?.summary == null) return { ...base, measured: null, reached: null, reason: missing(target.of, own) };

    let figures = own.samples.map((sample) => figure(theCase, sample));
    let middle = own.summary.median;
    if (target.against) {
      const rivals = target.against.map(find);
      const absent = rivals.findIndex((rival) => rival?.summary == null);
      if (absent >= 0) {
        const id = /** @type {string} */ (target.against[absent]);
        return { ...base, measured: null, reached: null, reason: missing(id, rivals[absent]) };
      }
      const best = /** @type {Measured[]} */ (rivals).reduce((a, b) => (beats(theCase, b, a) ? b : a));
      middle /= /** @type {NonNullable<Measured['summary']>} */ (best.summary).median;
      // Round by round, so that what slowed the machine down in a round slowed both.
      figures = figures.map((one, round) => one / figure(theCase, best.samples[round]));
    }
    const measured = { ...summarize(figures), median: middle };
    return { ...base, measured, reached: target.bound === 'atLeast' ? middle >= target.value : middle <= target.value };
  });
}

/** @param {Case} theCase @param {import('./report.mjs').SampleReport | undefined} sample */
export function figure(theCase, sample) {
  return sample?.metrics[theCase.metric] ?? NaN;
}

/** @param {Case} theCase @param {Measured} a @param {Measured} b */
function beats(theCase, a, b) {
  const [x, y] = [a.summary?.median ?? NaN, b.summary?.median ?? NaN];
  return theCase.better === 'higher' ? x > y : x < y;
}

/** @param {string} id @param {Measured | undefined} result */
function missing(id, result) {
  return `${id}: ${result?.reason ?? 'not part of this run'}`;
}

// @ts-check
/**
 * @typedef {object} Target
 * @property {string} text as the project promises it
 * @property {string} of contender measured
 * @property {string[]} [against] contenders compared with; the best of them counts. None: the figure itself is bounded.
 * @property {'atLeast' | 'atMost'} bound
 * @property {number} value the ratio (of ÷ against), or the figure
 */

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} question what it answers, in one sentence
 * @property {string} metric the figure of a sample's report that counts
 * @property {'messages/s' | 'bytes/s' | 'bytes' | 'ns' | '%'} unit
 * @property {'higher' | 'lower'} better
 * @property {Record<string, unknown>} parameters the same for all contenders
 * @property {import('../harness/catalog.mjs').Contender[]} contenders
 * @property {Target[]} targets
 * @property {number} [fixedCount] work per sample where it is not found by calibration
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Bytes of a ring for small messages, the same for every contender that has one. */
export const CAPACITY = MIB;

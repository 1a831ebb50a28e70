// @ts-check
/** Pools of two workers. */
import { poolMemory, pools } from '../harness/catalog.mjs';

/** @typedef {import('./case.mjs').Case} Case */
/** @typedef {import('./case.mjs').Target} Target */

/** @param {string} text @param {string[]} against @param {'atLeast' | 'atMost'} bound @param {number} value @returns {Target} */
function target(text, against, bound, value) {
  return { text, of: 'multiproc', against, bound, value };
}

const { ours, python, piscina, piscinaParts, tinypool, tinypoolParts, tinypoolThreads, workerpool } = pools;

/** @type {Case} */
const map = {
  name: 'pool-map',
  question: 'How many integers are squared a second, in lists of at most 1,000,000?',
  metric: 'rate',
  unit: 'messages/s',
  better: 'higher',
  parameters: { work: 'map' },
  contenders: [ours, python, piscina, tinypoolThreads, tinypool, workerpool, piscinaParts, tinypoolParts],
  targets: [
    target("ahead of Python's Pool.map", ['python'], 'atLeast', 1),
    target('10 × piscina, tinypool and workerpool on processes', ['piscina', 'tinypool', 'workerpool'], 'atLeast', 10),
  ],
};

/** @type {Case} */
const tiny = {
  ...map,
  name: 'pool-tiny',
  question: 'How many tiny tasks are done a second, one to a message, 128 under way?',
  parameters: { work: 'tiny' },
  contenders: [ours, python, piscina, tinypoolThreads, tinypool, workerpool],
  targets: [
    target("3 × Python's Pool", ['python'], 'atLeast', 3),
    target('10 × tinypool and workerpool on processes', ['tinypool', 'workerpool'], 'atLeast', 10),
    target('4 × piscina, which is on threads', ['piscina'], 'atLeast', 4),
  ],
};

/** @type {Case} */
const apply = {
  ...map,
  name: 'pool-apply',
  question: 'How long does one tiny task take, from the call to its value, hot?',
  metric: 'median',
  unit: 'ns',
  better: 'lower',
  parameters: { work: 'apply' },
  contenders: [ours, python, piscina, tinypoolThreads, tinypool, workerpool],
  targets: [target("a quarter of tinypool's on processes", ['tinypool'], 'atMost', 1 / 4)],
};

/** @type {Case} */
const buffer = {
  ...apply,
  name: 'pool-buffer',
  question: 'How long does a task take that gets a buffer of 32 MiB and gives it back?',
  parameters: { work: 'buffer' },
  fixedCount: 8,
  targets: [
    target('5 × as fast as tinypool on processes', ['tinypool'], 'atMost', 1 / 5),
    target('ahead of Python', ['python'], 'atMost', 1),
  ],
};

/** @type {Case} */
const memory = {
  name: 'pool-memory',
  question: 'How much memory do four idle workers take?',
  metric: 'memory',
  unit: 'bytes',
  better: 'lower',
  parameters: {},
  fixedCount: 4,
  contenders: [poolMemory.ours, poolMemory.node],
  targets: [target('within 5 % of bare Node processes', ['node'], 'atMost', 1.05)],
};

export const poolCases = [map, tiny, apply, buffer, memory];

// @ts-check
/** Cost of single operations, and of waiting. */
import { operations, waits } from '../harness/catalog.mjs';

/** @typedef {import('./case.mjs').Case} Case */

const IDLE_MS = 2000;
const IDLE_SETTLE_MS = 1000;

/**
 * @param {string} name @param {string} question
 * @param {(keyof ReturnType<typeof operations>)[]} contenders
 * @param {import('./case.mjs').Target[]} targets
 * @returns {Case}
 */
function operation(name, question, contenders, targets) {
  const all = operations(name);
  return {
    name,
    question,
    metric: 'perOperation',
    unit: 'ns',
    better: 'lower',
    parameters: {},
    contenders: contenders.map((key) => all[key]),
    targets,
  };
}

/** @param {string} text @returns {import('./case.mjs').Target[]} */
function withinTwice(text) {
  return [{ text, of: 'multiproc', against: ['plain'], bound: 'atMost', value: 2 }];
}

/** @param {string} text @param {number} ns @returns {import('./case.mjs').Target} */
function atMostNs(text, ns) {
  return { text, of: 'multiproc', bound: 'atMost', value: ns };
}

/** @type {Case} */
const idle = {
  name: 'idle',
  question: 'How much CPU time does a process use while it waits for a message?',
  metric: 'cpu',
  unit: '%',
  better: 'lower',
  parameters: { settle: IDLE_SETTLE_MS },
  fixedCount: IDLE_MS,
  contenders: Object.values(waits),
  targets: [{ text: 'await get(): under 0.1 % CPU', of: 'multiproc-async', bound: 'atMost', value: 0.1 }],
};

export const operationCases = [
  operation(
    'lock',
    'How long do one acquire and one release of a free lock take?',
    ['ours', 'python', 'mutex'],
    [
      atMostNs('at most 60 ns', 60),
      { text: "not slower than Python's Lock", of: 'multiproc', against: ['python'], bound: 'atMost', value: 1 },
    ],
  ),
  operation(
    'value-read',
    'How long does reading a shared integer take?',
    ['ours', 'plain', 'python'],
    withinTwice('within 2 × of a plain typed array element'),
  ),
  operation(
    'value-add',
    'How long does adding to a shared integer take, atomically?',
    ['ours', 'plain', 'python'],
    withinTwice('within 2 × of Atomics.add'),
  ),
  operation(
    'array-read',
    'How long does reading an element of a shared array take?',
    ['ours', 'plain', 'python'],
    withinTwice('within 2 × of a plain typed array element'),
  ),
  operation(
    'array-write',
    'How long does writing an element of a shared array take?',
    ['ours', 'plain'],
    withinTwice('within 2 × of a plain typed array element'),
  ),
  operation('make-lock', 'How long does making a lock take?', ['ours', 'python'], [atMostNs('under 2 µs', 2000)]),
  operation(
    'make-queue',
    'How long does making and closing a queue take?',
    ['ours', 'python'],
    [atMostNs('under 150 µs', 150_000)],
  ),
  idle,
];

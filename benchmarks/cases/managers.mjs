// @ts-check
/** Objects that another process keeps. */
import { managers } from '../harness/catalog.mjs';

/** @typedef {import('./case.mjs').Case} Case */

/** @param {string} name @param {string} question @param {string} work @param {number} ahead @returns {Case} */
function managerCase(name, question, work, ahead) {
  return {
    name,
    question,
    metric: 'perOperation',
    unit: 'ns',
    better: 'lower',
    parameters: { work },
    contenders: [managers.ours, managers.python, managers.redis],
    targets: [
      {
        text: `${ahead} × as fast as Python's Manager`,
        of: 'multiproc',
        against: ['python'],
        bound: 'atMost',
        value: 1 / ahead,
      },
    ],
  };
}

export const managerCases = [
  managerCase('manager-get', 'How long does one read of a dict in a manager take, each after the other?', 'get', 3),
  managerCase('manager-set', 'How long does one write to a dict in a manager take, each after the other?', 'set', 3),
  managerCase('manager-queue', 'How long do one put and one get of a queue in a manager take?', 'queue', 3),
  managerCase('manager-pipelined', 'How long does one read of a dict take, 128 under way?', 'pipelined', 10),
];

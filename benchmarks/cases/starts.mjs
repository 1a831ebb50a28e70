// @ts-check
/** How long a process takes to begin. */
import { starts } from '../harness/catalog.mjs';

/** @param {'module' | 'commonJS'} kind @param {string} name @param {string} what @returns {import('./case.mjs').Case} */
function start(kind, name, what) {
  const { ours, fork } = starts(kind);
  return {
    name,
    question: `How long does it take from the call to the first statement of ${what} in a new process?`,
    metric: 'median',
    unit: 'ns',
    better: 'lower',
    parameters: {},
    fixedCount: 7,
    contenders: [ours, fork],
    targets: [{ text: "1.15 times fork's", of: 'multiproc', against: ['fork'], bound: 'atMost', value: 1.15 }],
  };
}

export const startCases = [
  start('module', 'start', 'an ES module'),
  start('commonJS', 'start-commonjs', 'a CommonJS module'),
];

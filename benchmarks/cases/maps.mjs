// @ts-check
/** A map that two processes use at once. */
import { maps } from '../harness/catalog.mjs';

/** @param {'get' | 'set' | 'update'} name @param {string} question @returns {import('./case.mjs').Case} */
function operation(name, question) {
  return {
    name: `shared-map-${name}`,
    question,
    metric: 'perOperation',
    unit: 'ns',
    better: 'lower',
    parameters: {},
    contenders: Object.values(maps(name)),
    targets: [],
  };
}

export const mapCases = [
  operation('get', 'How long does each of two processes take to get a small object from a map that both use?'),
  operation('set', 'How long does each of two processes take to set a small object in a map that both use?'),
  operation(
    'update',
    'How long does each of two processes take to change a small object in a map that both use, atomically?',
  ),
];

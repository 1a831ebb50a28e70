// @ts-check
/** Result files: everything needed to judge a figure later, raw samples included. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chart } from './chart.mjs';

/** @typedef {import('../cases/case.mjs').Case} Case */

/**
 * @typedef {object} CaseResult
 * @property {string} name
 * @property {string} question
 * @property {string} metric
 * @property {Case['unit']} unit
 * @property {Case['better']} better
 * @property {Record<string, unknown>} parameters
 * @property {import('./schedule.mjs').Measured[]} contenders
 * @property {import('./verdicts.mjs').Verdict[]} verdicts
 */

/**
 * @typedef {object} ResultFile
 * @property {string} date
 * @property {ReturnType<typeof import('./machine.mjs').describeMachine>} machine
 * @property {ReturnType<typeof import('./machine.mjs').describeVersions>} versions
 * @property {import('./schedule.mjs').Settings & { quick: boolean, only: string[] | null }} settings
 * @property {CaseResult[]} cases
 */

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));

/** @param {string} text */
function slug(text) {
  return text
    .toLowerCase()
    .replaceAll(/\((r|tm)\)|processor|cpu/g, ' ')
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

/**
 * Writes the file and the charts; returns the file's path. Quick runs go to a folder of their own and never replace the
 * figures of a full one.
 * @param {ResultFile} result @param {Case[]} cases
 */
export async function writeResults(result, cases) {
  const directory = result.settings.quick ? join(RESULTS, 'quick') : RESULTS;
  mkdirSync(directory, { recursive: true });
  const day = result.date.slice(0, 10);
  const part = result.settings.only === null ? '' : `-${result.settings.only.join('+')}`;
  const path = join(directory, `${day}-${slug(result.machine.cpu)}${part}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 1)}\n`);

  const { machine, versions, settings } = result;
  const footnote =
    `${day}, ${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${versions.node}, ` +
    `${settings.samples} samples of ${settings.sampleMs} ms`;
  for (const { name, contenders } of result.cases) {
    const theCase = cases.find((one) => one.name === name);
    if (theCase === undefined || contenders.every(({ summary }) => summary === null)) continue;
    writeFileSync(join(directory, `${name}.svg`), await chart(theCase, contenders, footnote));
  }
  return path;
}

/** @param {string} path @returns {ResultFile} */
export function readResults(path) {
  /** @type {ResultFile} */
  const result = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(result.cases)) throw new Error(`Cannot read results: ${path} has no cases`);
  return result;
}

// @ts-check
// The long forms of the tests that kill, stop and damage. Each part is a file test/torture/<name>.part.mjs.
//
//   npm run torture -- [--minutes N] [--seed S] [--json FILE] [PART...]     all parts by default
//   npm run torture -- --list

import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeRun, findParts, listOf, outcomeTable } from './support/torture.mjs';

const DEFAULT_MINUTES = 10;
/** A part never gets less, unless `--minutes` was given and says so. */
const LEAST_MINUTES = 1;

/** @param {string} problem @returns {never} */
function refuse(problem) {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}

/** @param {string | undefined} text @param {string} option @param {(value: number) => boolean} fits @param {string} what */
function number(text, option, fits, what) {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? NaN : Number(text);
  return fits(value) ? value : refuse(`Cannot torture: --${option} must be ${what}, received '${text}'`);
}

function readArguments() {
  const options = /** @type {const} */ ({
    minutes: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'string' },
    list: { type: 'boolean' },
  });
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return refuse(`Cannot torture: ${/** @type {Error} */ (error).message}`);
  }
}

const { values, positionals } = readArguments();
const parts = await findParts();
if (values.list) {
  process.stdout.write(listOf(parts));
  process.exit(0);
}
const unknown = positionals.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) refuse(`Cannot torture ${unknown.join(', ')}: the parts are\n${listOf(parts)}`);
const named = positionals.length === 0 ? parts : parts.filter(({ name }) => positionals.includes(name));
if (named.length === 0) refuse('Cannot torture: there are no parts');

const given = number(values.minutes, 'minutes', (value) => value > 0 && value < Infinity, 'a number above 0');
const minutes = given === undefined ? Math.max(LEAST_MINUTES, DEFAULT_MINUTES / named.length) : given / named.length;
const isSeed = (/** @type {number} */ value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32;
const seed = number(values.seed, 'seed', isSeed, 'an integer from 0 to 2^32 - 1') ?? randomInt(2 ** 32);

const record = describeRun(seed, minutes);
console.log(`seed ${seed}, ${minutes.toFixed(2)} minutes for each of: ${named.map(({ name }) => name).join(', ')}`);
/** @type {import('./support/torture.mjs').Ended[]} */
const ended = [];
for (const part of named) ended.push(await torture(part));
console.log(outcomeTable(ended));
console.log(
  `again: npm run torture -- ${['--seed', seed, '--minutes', minutes * named.length, ...positionals].join(' ')}`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...record, parts: ended }, null, 2)}\n`);
// A part that failed may have left something that keeps the event loop running.
process.exit(ended.every(({ ok }) => ok) ? 0 : 1);

/** @param {import('../test/torture/part.js').Part} part */
async function torture(part) {
  const log = (/** @type {string} */ text) => console.log(`[${part.name}] ${text}`);
  const start = performance.now();
  const { ok, figures } = await attempt(() => part.run({ minutes, seed, log }), log);
  return { name: part.name, ok, seconds: (performance.now() - start) / 1000, figures };
}

/** @param {() => Promise<import('../test/torture/part.js').Outcome>} run @param {(text: string) => void} log */
async function attempt(run, log) {
  try {
    return await run();
  } catch (error) {
    const { stack, message } = error instanceof Error ? error : new Error(String(error));
    log(stack ?? message);
    return { ok: false, figures: { error: message } };
  }
}

// @ts-check
// Fuzzes what native code does with damaged shared memory: libFuzzer with the sanitizers for addresses and undefined
// behaviour, on the targets in test/fuzz. Ends with 1 if anything was found.
//
//   node scripts/fuzz.mjs [--seconds N] [--seed S] [TARGET...]      N seconds for each target, 60 by default
//   node scripts/fuzz.mjs --minimise FOLDER TARGET                  takes inputs of FOLDER into the target's corpus

import { parseArgs } from 'node:util';
import { buildFuzzTargets, fuzz, fuzzTargets, minimise } from './support/fuzz-build.mjs';

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, minimise: { type: 'string' } },
  allowPositionals: true,
});
const seconds = Number(values.seconds ?? 60);
// 0 would make libFuzzer choose one of its own.
const seed = Number(values.seed ?? (Date.now() % 1_000_000) + 1);
const unknown = positionals.filter((name) => !fuzzTargets.includes(name));
const wrong = unknown.length > 0 || !(seconds > 0) || !Number.isSafeInteger(seed) || seed < 1;
if (wrong || (values.minimise !== undefined && positionals.length !== 1)) {
  process.stderr.write(`Cannot fuzz with ${process.argv.slice(2).join(' ')}: targets are ${fuzzTargets.join(', ')}\n`);
  process.exit(2);
}
if (!buildFuzzTargets()) process.exit(1);
const names = positionals.length > 0 ? positionals : fuzzTargets;
const passed = values.minimise === undefined ? names.map(fuzzOne) : names.map(minimiseOne);
process.exitCode = passed.every(Boolean) ? 0 : 1;

/** @param {string} name */
function fuzzOne(name) {
  const result = fuzz(name, { seconds, seed });
  const rate = Math.round(result.executions / result.seconds);
  const figures = `${result.executions} executions, ${rate} per second, corpus ${result.corpus}, ${result.seconds.toFixed(0)} s`;
  process.stdout.write(`${name}: ${result.ok ? 'nothing found' : 'FAILED'}: ${figures}, seed ${seed}\n`);
  process.stderr.write(result.report);
  return result.ok;
}

/** @param {string} name */
function minimiseOne(name) {
  return minimise(name, String(values.minimise));
}

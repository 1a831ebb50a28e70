// @ts-check
// Processes that fight for one name.
import { readdirSync } from 'node:fs';
import { randomNumbers, start } from './processes.mjs';

/** Errors that each operation may end with, as the documents say; everything else is a failure. */
const allowed = {
  open: ['NOT_FOUND', 'KIND'],
  openOrCreate: ['KIND'],
  create: ['EXISTS'],
  'create a queue': ['EXISTS'],
  'open a queue': ['NOT_FOUND', 'KIND'],
  // Somebody may find an empty queue between looking and getting.
  use: ['EMPTY'],
  unlink: [],
  close: [],
};
const allowedOutcomes = new Set(
  Object.entries(allowed).flatMap(([operation, codes]) => [
    `${operation}: done`,
    ...codes.map((code) => `${operation}: ERR_MULTIPROC_${code}`),
  ]),
);
for (const operation of ['open a queue', 'create a queue']) allowedOutcomes.add(`${operation}: ERR_MULTIPROC_EMPTY`);

/**
 * @param {{ processes: number, rounds: number, kills: number, seed: number, watchdog: number }} fight `kills`: how many of them are killed
 *   in the middle, each followed by another one
 */
export async function fight({ processes, rounds, kills, seed, watchdog }) {
  const name = `fight-${process.pid}-${seed}`;
  const random = randomNumbers(seed);
  let begun = 0;
  let killed = 0;
  /** @type {string[]} */
  const failures = [];
  /** @type {Record<string, number>} */
  const outcomes = {};
  /** @type {Map<string, number[]>} */
  const returned = new Map();

  const fighter = async () => {
    for (;;) {
      const { child, ended } = start('fight-for-name.mjs', [name, rounds, seed + begun++], { watchdog });
      const doomed = killed < kills;
      if (doomed) {
        const delay = random() * 20;
        child.once('message', () => setTimeout(() => child.kill('SIGKILL'), delay));
      }
      const { code, signal, message, stderr, stuck } = await ended;
      if (doomed && signal === 'SIGKILL' && stuck === null) {
        killed += 1;
        continue;
      }
      if (code !== 0 || stderr !== '' || stuck !== null) {
        failures.push(`a process ended with ${code ?? signal}: ${stuck ?? stderr}`);
        return;
      }
      for (const [outcome, count] of Object.entries(message.outcomes)) {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
      }
      for (const [handle, numbers] of Object.entries(message.returned)) {
        returned.set(handle, [...(returned.get(handle) ?? []), ...numbers]);
      }
      return;
    }
  };
  await Promise.all(Array.from({ length: processes }, fighter));

  failures.push(...Object.keys(outcomes).filter((outcome) => !allowedOutcomes.has(outcome)));
  // All who had the same incarnation open added to the same number, and nobody else did: each number came once, and none is missing but those
  // of who was killed.
  for (const [handle, numbers] of returned) {
    numbers.sort((a, b) => a - b);
    const expected =
      kills === 0 ? numbers.every((n, i) => n === i) : numbers.every((n, i) => i === 0 || n > Number(numbers[i - 1]));
    if (!expected) failures.push(`${handle}: add() returned ${numbers.join(' ')}`);
  }
  // A program that starts removes what those who were killed have left.
  if (kills > 0) await start('start-and-end.mjs', [], { watchdog }).ended;
  const left = readdirSync('/dev/shm').filter((file) => file.includes(name));
  failures.push(...left.map((file) => `left: ${file}`));
  const shared = [...returned.values()].filter((numbers) => numbers.length > 1).length;
  return { failures, figures: { processes, rounds, killed, incarnations: returned.size, shared, outcomes } };
}

/** @type {import('./part.js').Part} */
export const part = {
  name: 'names',
  summary: '8 processes open, create, close and unlink one name 100,000 times each, then with kills',
  async run({ seed, log }) {
    const watchdog = 30 * 60_000;
    log('without kills');
    const whole = await fight({ processes: 8, rounds: 100_000, kills: 0, seed, watchdog });
    log('with kills');
    const killed = await fight({ processes: 8, rounds: 20_000, kills: 200, seed: seed + 1000, watchdog });
    const failures = [...whole.failures, ...killed.failures];
    for (const failure of failures) log(failure);
    return {
      ok: failures.length === 0,
      figures: { whole: whole.figures, killed: killed.figures, failures: failures.length },
    };
  },
};

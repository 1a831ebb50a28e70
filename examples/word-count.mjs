// @ts-check
// Counts the words of a folder tree in several processes, over multiproc and over process.send(), and compares the two.
//
//   node examples/word-count.mjs [FOLDER]      default: Markdown, JavaScript and TypeScript below node_modules
//
// Both ways use the same workers, which run the same counting code on the same files from memory. Reading the files is in the
// time of neither; handing out the work, counting and merging the counts is in the time of both. Each way runs once to warm
// up, then the two take turns.

import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { Crew } from './word-count/crew.mjs';
import { countOverChannel } from './word-count/over-channel.mjs';
import { countOverQueue } from './word-count/over-queue.mjs';
import { showProgress } from './word-count/progress.mjs';
import { comparison, countOf, megabytes, topWords, workOfEach } from './word-count/report.mjs';
import { differenceOf } from './word-count/result.mjs';
import { listFiles, readTexts } from './word-count/texts.mjs';

/** @typedef {import('./word-count/result.mjs').Result} Result */

const DEFAULT_FOLDER = new URL('../node_modules', import.meta.url).pathname;
const DEFAULT_FILES = /\.(?:md|[cm]?[jt]sx?)$/;
/** Timed runs of each way: odd, so that one of them is the median. */
const ROUNDS = 5;
const TOP = 20;

/** @type {Crew | undefined} */
let crew;
let interrupted = false;

for (const [name, number] of /** @type {const} */ ([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
])) {
  process.once(name, async () => {
    interrupted = true;
    await crew?.kill();
    // The workers are gone, so this process is the last to use the shared memory, and takes it along.
    process.exit(128 + number);
  });
}

try {
  await main(process.argv[2]);
} catch (error) {
  await crew?.kill();
  if (!interrupted) process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

/** @param {string | undefined} argument */
async function main(argument) {
  const folder = resolve(argument ?? DEFAULT_FOLDER);
  const { texts, bytes } = await read(folder, argument === undefined ? DEFAULT_FILES : /./);
  crew = new Crew(Math.max(2, availableParallelism()));
  await crew.ready();
  const [queue, channel] = await runAll(crew, texts, bytes);
  await crew.end();

  const { words } = queue.totals;
  print(`The ${TOP} most frequent of ${countOf(words, 'word')} (${countOf(queue.counts.size, 'different one')}):`);
  print(topWords(queue, TOP));
  print('What each worker did, in the median run over the queue:');
  print(workOfEach(queue));
  print(`The same job both ways, medians of ${ROUNDS} runs:`);
  print(comparison([['multiproc Queue', queue], ['process.send', channel]]));
  print(`Both counted the same; over the queue it is ${(channel.seconds / queue.seconds).toFixed(2)} times as fast.`);
}

/** @param {string} folder @param {RegExp} pattern */
async function read(folder, pattern) {
  const paths = await listFiles(folder, pattern);
  let done = 0;
  const hide = showProgress('reading', paths.length, () => done);
  try {
    const input = await readTexts(paths, (files) => (done = files));
    if (input.texts.length === 0) throw new Error(`Cannot count ${folder}: there are no texts below it`);
    const binary = input.skipped === 0 ? '' : `, without ${countOf(input.skipped, 'binary file')}`;
    print(`Read ${countOf(input.texts.length, 'text')}, ${megabytes(input.bytes)}, below ${relative('', folder) || '.'}${binary}`);
    return input;
  } finally {
    hide();
  }
}

/**
 * Runs each way once to warm up and then ROUNDS times, in turns; all results must be equal.
 *
 * @param {Crew} crew
 * @param {readonly Buffer[]} texts
 * @param {number} bytes
 * @returns {Promise<[Result, Result]>} the median run of each way
 */
async function runAll(crew, texts, bytes) {
  /** @type {Result[]} */
  const queue = [];
  /** @type {Result[]} */
  const channel = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const label = round === 0 ? 'warm-up' : `round ${round} of ${ROUNDS}`;
    const ways = [
      async () => queue.push(await countOverQueue(crew, texts, (read) => showProgress(`queue, ${label}`, bytes, read))),
      async () => channel.push(await countOverChannel(crew, texts, (read) => showProgress(`process.send, ${label}`, bytes, read))),
    ];
    // Who goes first takes turns too.
    for (const way of round % 2 === 0 ? ways : ways.reverse()) await way();
  }
  for (const result of [...queue, ...channel]) {
    const difference = differenceOf(/** @type {Result} */ (queue[0]), result);
    if (difference !== undefined) throw new Error(`Cannot trust the counts: two runs gave ${difference}`);
  }
  return [median(queue.slice(1)), median(channel.slice(1))];
}

/** @param {Result[]} results */
function median(results) {
  const sorted = results.sort((a, b) => a.seconds - b.seconds);
  return /** @type {Result} */ (sorted[(sorted.length - 1) / 2]);
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}

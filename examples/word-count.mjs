// @ts-check
// Counts the words of a folder tree in several processes, over multiproc and over process.send(), and compares the two.
//
//   node examples/word-count.mjs [FOLDER]      default: Markdown, JavaScript and TypeScript below node_modules
//
// Both ways use the same workers, which run the same counting code on the same files from memory. Reading the files is in the
// time of neither; handing out the work, counting and merging the counts is in the time of both. Each way runs once to warm
// up, then the two take turns. Then the same without counting, which shows the transports alone. Over the queue, the workers
// also keep shared totals under a lock, file by file; over process.send they report theirs once, at the end.

import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Crew } from './word-count/crew.mjs';
import { countOverChannel } from './word-count/over-channel.mjs';
import { countOverQueue } from './word-count/over-queue.mjs';
import { showProgress } from './word-count/progress.mjs';
import { countOf, megabytes, ratioOf, topWords, transports, workOfEach } from './word-count/report.mjs';
import { differenceOf } from './word-count/result.mjs';
import { listFiles, readTexts } from './word-count/texts.mjs';

/** @typedef {import('./word-count/result.mjs').Result} Result */

const DEFAULT_FOLDER = fileURLToPath(new URL('../node_modules', import.meta.url));
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
  const { texts } = await read(folder, argument === undefined ? DEFAULT_FILES : /./);
  crew = new Crew(Math.max(2, availableParallelism()));
  await crew.ready();
  const counting = await compare(crew, texts, true);
  const handingOut = await compare(crew, texts, false);
  await crew.end();

  const { queue } = counting;
  print(
    `The ${TOP} most frequent of ${countOf(queue.totals.words, 'word')}, ${countOf(queue.counts.size, 'different one')}:`,
  );
  print(topWords(queue, TOP));
  print('What each worker did, over the queue:');
  print(workOfEach(queue));
  print(`The same jobs over both, medians of ${ROUNDS} rounds:`);
  print(
    transports([
      { job: 'count the words', ...counting },
      { job: 'only hand the files out', ...handingOut },
    ]),
  );
  print(
    `The results are equal. Counting over process.send took ${ratioOf(counting)} times as long, handing out ${ratioOf(handingOut)} times.`,
  );
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
    print(
      `Read ${countOf(input.texts.length, 'text')}, ${megabytes(input.bytes)}, below ${relative('', folder) || '.'}${binary}`,
    );
    return input;
  } finally {
    hide();
  }
}

/**
 * Runs a job each way once to warm up and then ROUNDS times, in turns; all results must be equal.
 *
 * @param {Crew} crew
 * @param {readonly Buffer[]} texts
 * @param {boolean} counting
 * @returns {Promise<{ queue: Result, channel: Result }>} the median round of each way
 */
async function compare(crew, texts, counting) {
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  /** @type {Result[]} */
  const queue = [];
  /** @type {Result[]} */
  const channel = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const label = `${counting ? 'counting' : 'handing out'}, ${round === 0 ? 'warm-up' : `round ${round} of ${ROUNDS}`}`;
    /** @param {() => number} readBytes */
    const progress = (readBytes) => showProgress(label, bytes, readBytes);
    const ways = [
      async () => queue.push(await countOverQueue(crew, texts, counting, progress)),
      async () => channel.push(await countOverChannel(crew, texts, counting, progress)),
    ];
    // Who goes first takes turns too.
    for (const way of round % 2 === 0 ? ways : ways.reverse()) await way();
  }
  for (const result of [...queue, ...channel]) {
    const difference = differenceOf(/** @type {Result} */ (queue[0]), result);
    if (difference !== undefined) throw new Error(`Cannot trust the counts: two runs gave ${difference}`);
  }
  return { queue: median(queue.slice(1)), channel: median(channel.slice(1)) };
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

// @ts-check
// A worker process: counts words of files that come over a queue, or over process.send().

import { attach } from 'multiproc';
import { WordTable } from './word-table.mjs';
import { countWords } from './words.mjs';

/** Words in one message of counts. */
const PART = 8192;

/** @typedef {import('multiproc').Queue<any>} AnyQueue */
/** @typedef {import('multiproc').Value<bigint, bigint | number>} Counter */

/**
 * @param {boolean} counting
 * @param {number} row whose row of `work` this worker fills
 * @param {Record<'files' | 'results' | 'words' | 'work' | 'lock', string>} shared handles
 */
async function countFromQueue(counting, row, shared) {
  const files = /** @type {AnyQueue} */ (attach(shared.files));
  const results = /** @type {AnyQueue} */ (attach(shared.results));
  const total = /** @type {Counter} */ (attach(shared.words));
  const work = /** @type {import('multiproc').SharedArray<'d'>} */ (attach(shared.work));
  const [doneFiles, doneBytes, doneWords] = [row * 3, row * 3 + 1, row * 3 + 2];
  const lock = /** @type {import('multiproc').Lock} */ (attach(shared.lock));
  const table = new WordTable();
  for await (const text of files) {
    const words = counting ? countWords(text, table) : 0;
    lock.runSync(() => {
      work[doneFiles] = (work[doneFiles] ?? 0) + 1;
      work[doneBytes] = (work[doneBytes] ?? 0) + text.length;
      work[doneWords] = (work[doneWords] ?? 0) + words;
      total.value += BigInt(words);
    });
  }
  for (const part of table.parts(PART)) await results.put(part);
  await results.put(null);
  for (const object of [files, results, total, work, lock]) object.close();
}

/** @param {any} message */
const send = (message) => process.send?.(message);

/** Counts what comes over process.send(): there is no shared memory, so the totals are this process's own. */
class ChannelCount {
  #counting;
  #table = new WordTable();
  #totals = { files: 0, bytes: 0, words: 0 };

  /** @param {boolean} counting */
  constructor(counting) {
    this.#counting = counting;
  }

  /** @param {Buffer} text */
  add(text) {
    this.#totals.files += 1;
    this.#totals.bytes += text.length;
    if (this.#counting) this.#totals.words += countWords(text, this.#table);
  }

  finish() {
    for (const part of this.#table.parts(PART)) send(part);
    send({ totals: this.#totals });
  }
}

let channelCount = new ChannelCount(false);

process.on('message', (/** @type {any} */ message) => {
  if (message instanceof Uint8Array) channelCount.add(/** @type {Buffer} */ (message));
  else if (message.job === 'queue') void countFromQueue(message.counting, message.row, message.shared);
  else if (message.job === 'channel') channelCount = new ChannelCount(message.counting);
  else channelCount.finish();
});

// Ctrl-C reaches all processes of a terminal; the one that was started decides what it means.
process.on('SIGINT', () => undefined);
// However the other process went, there is nobody to work for.
process.once('disconnect', () => process.exit());
send('ready');

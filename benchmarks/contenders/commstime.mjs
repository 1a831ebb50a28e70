// @ts-check
/**
 * Commstime: four processes in a ring that do nothing but communicate. A round of it is four communications; the consumer takes the time of
 * rounds, and checks that it gets 0, 1, 2, ….
 */
import { isMainProcess } from '../harness/multiproc.mjs';
import { Channel, Parallel, poison, process as csp } from '../../dist/csp.js';

import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

/** @typedef {import('../../dist/csp.js').ReadEnd<number>} Reader */
/** @typedef {import('../../dist/csp.js').WriteEnd<number>} Writer */

const PrefixSync = csp(
  import.meta,
  /** @param {Reader} cin @param {Writer} cout */
  function PrefixSync(cin, cout) {
    for (let value = 0; ; value = cin.readSync()) cout.writeSync(value);
  },
);

const DeltaSync = csp(
  import.meta,
  /** @param {Reader} cin @param {Writer} first @param {Writer} second */
  function DeltaSync(cin, first, second) {
    for (;;) {
      const value = cin.readSync();
      first.writeSync(value);
      second.writeSync(value);
    }
  },
);

const SuccessorSync = csp(
  import.meta,
  /** @param {Reader} cin @param {Writer} cout */
  function SuccessorSync(cin, cout) {
    for (;;) cout.writeSync(cin.readSync() + 1);
  },
);

const ConsumerSync = csp(
  import.meta,
  /** @param {Reader} cin @param {number} warmup @param {number} count */
  function ConsumerSync(cin, warmup, count) {
    let start = 0;
    for (let i = 0; i < warmup + count; i += 1) {
      if (i === warmup) start = nowNs();
      check(cin.readSync(), i);
    }
    const elapsed = nowNs() - start;
    poison(cin);
    return elapsed;
  },
);

const Prefix = csp(
  import.meta,
  /** @param {Reader} cin @param {Writer} cout */
  async function Prefix(cin, cout) {
    for (let value = 0; ; value = await cin()) await cout(value);
  },
);

const Delta = csp(
  import.meta,
  /** @param {Reader} cin @param {Writer} first @param {Writer} second */
  async function Delta(cin, first, second) {
    for (;;) {
      const value = await cin();
      await first(value);
      await second(value);
    }
  },
);

const Successor = csp(
  import.meta,
  /** @param {Reader} cin @param {Writer} cout */
  async function Successor(cin, cout) {
    for (;;) await cout((await cin()) + 1);
  },
);

const Consumer = csp(
  import.meta,
  /** @param {Reader} cin @param {number} warmup @param {number} count */
  async function Consumer(cin, warmup, count) {
    let start = 0;
    for (let i = 0; i < warmup + count; i += 1) {
      if (i === warmup) start = nowNs();
      check(await cin(), i);
    }
    const elapsed = nowNs() - start;
    poison(cin);
    return elapsed;
  },
);

/** @param {number} value @param {number} wanted */
function check(value, wanted) {
  if (value !== wanted) throw new Error(`Cannot accept sample: received ${value} in round ${wanted}`);
}

if (isMainProcess) {
  const { count, style } = JSON.parse(process.argv[2] ?? '');
  /** @type {Channel<number>[]} */
  const channels = [new Channel(), new Channel(), new Channel(), new Channel()];
  const [a, b, c, d] = /** @type {[Channel<number>, Channel<number>, Channel<number>, Channel<number>]} */ (channels);
  const warmup = count;
  const results =
    style === 'sync'
      ? await Parallel(
          PrefixSync(c.reader(), a.writer()),
          DeltaSync(a.reader(), b.writer(), d.writer()),
          SuccessorSync(b.reader(), c.writer()),
          ConsumerSync(d.reader(), warmup, count),
        )
      : await Parallel(
          Prefix(c.reader(), a.writer()),
          Delta(a.reader(), b.writer(), d.writer()),
          Successor(b.reader(), c.writer()),
          Consumer(d.reader(), warmup, count),
        );
  const elapsedNs = /** @type {number} */ (results[3]);
  printReport({ elapsedNs, count, metrics: { mean: elapsedNs / count / 4 } });
}

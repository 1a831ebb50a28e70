// @ts-check
// The classic of CSP: four processes in a ring, each of which does nothing but communicate. What a communication takes is what remains.
//
//   node examples/csp/commstime.mjs [rounds]
import { isMainProcess } from 'multiproc';
import { Channel, Parallel, poison, process as csp } from 'multiproc/csp';

/** Sends a first value, then whatever it gets. */
const Prefix = csp(
  import.meta,
  /** @param {import('multiproc/csp').ReadEnd} cin @param {import('multiproc/csp').WriteEnd} cout @param {unknown} first */
  async function Prefix(cin, cout, first) {
    let value = first;
    for (;;) {
      await cout(value);
      value = await cin();
    }
  },
);

/** Sends all it gets to two. */
const Delta = csp(
  import.meta,
  /** @param {import('multiproc/csp').ReadEnd} cin @param {import('multiproc/csp').WriteEnd[]} couts */
  async function Delta(cin, ...couts) {
    for (;;) {
      const value = await cin();
      for (const cout of couts) await cout(value);
    }
  },
);

/** Sends one more than it gets. */
const Successor = csp(
  import.meta,
  /** @param {import('multiproc/csp').ReadEnd<number>} cin @param {import('multiproc/csp').WriteEnd<number>} cout */
  async function Successor(cin, cout) {
    for (;;) await cout((await cin()) + 1);
  },
);

/** Takes the time of a round, then ends the network. */
const Consumer = csp(
  import.meta,
  /** @param {import('multiproc/csp').ReadEnd<number>} cin @param {number} rounds */
  async function Consumer(cin, rounds) {
    const warmup = Math.ceil(rounds / 10);
    for (let i = 0; i < warmup; i += 1) await cin();
    const start = performance.now();
    for (let i = 0; i < rounds; i += 1) await cin();
    const elapsed = performance.now() - start;
    poison(cin);
    return elapsed / rounds;
  },
);

if (isMainProcess) {
  const rounds = Number(process.argv[2] ?? 5000);
  /** @type {Channel<number>[]} */
  const channels = [new Channel(), new Channel(), new Channel(), new Channel()];
  const [a, b, c, d] = /** @type {[Channel<number>, Channel<number>, Channel<number>, Channel<number>]} */ (channels);
  const results = await Parallel(
    Prefix(c.reader(), a.writer(), 0),
    Delta(a.reader(), b.writer(), d.writer()),
    Successor(b.reader(), c.writer()),
    Consumer(d.reader(), rounds),
  );
  const round = /** @type {number} */ (results[3]);
  // A round is four communications: a, b, c and d.
  console.log(`${((round * 1000) / 4).toFixed(1)} µs per communication`);
}

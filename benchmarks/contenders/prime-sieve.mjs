// @ts-check
/**
 * The sieve as a network that grows: `count` primes, each with a process that lets through what it does not divide. `style`:
 * those processes are tasks of one event loop (inline), or each one of the operating system (forked).
 */
import { isMainProcess } from '../harness/multiproc.mjs';
import { Channel, Parallel, poison, process as csp, retire, Spawn } from '../../dist/csp.js';

import { nowNs } from '../harness/clock.mjs';
import { printReport } from '../harness/report.mjs';

/** @typedef {import('../../dist/csp.js').ReadEnd<number>} Reader */
/** @typedef {import('../../dist/csp.js').WriteEnd<number>} Writer */

/** @param {Writer} cout */
async function numbers(cout) {
  for (let n = 2; ; n += 1) await cout(n);
}

/** @param {Reader} cin @param {Channel<number>} primes @param {Writer} found @param {(cin: Reader, primes: Channel<number>, found: Writer) => void} grow */
async function sieve(cin, primes, found, grow) {
  const prime = await cin();
  await found(prime);
  /** @type {Channel<number>} */
  const rest = new Channel();
  const cout = rest.writer();
  grow(rest.reader(), primes, primes.writer());
  rest.close();
  for await (const n of cin) if (n % prime !== 0) await cout(n);
  retire(cout);
}

const Numbers = csp(numbers, { inline: true });
const Sieve = csp(
  /** @param {Reader} cin @param {Channel<number>} primes @param {Writer} found */
  (cin, primes, found) => sieve(cin, primes, found, (...args) => void Spawn(Sieve(...args))),
  { inline: true },
);

const ForkedNumbers = csp(
  import.meta,
  /** @param {Writer} cout */ function forkedNumbers(cout) {
    return numbers(cout);
  },
);
const ForkedSieve = csp(
  import.meta,
  /** @param {Reader} cin @param {Channel<number>} primes @param {Writer} found */
  function forkedSieve(cin, primes, found) {
    return sieve(cin, primes, found, (...args) => void Spawn(ForkedSieve(...args)));
  },
);

if (isMainProcess) {
  const { count, style } = JSON.parse(process.argv[2] ?? '');
  const start = nowNs();
  /** @type {Channel<number>} */
  const source = new Channel();
  /** @type {Channel<number>} */
  const primes = new Channel();
  const cin = primes.reader();
  const network =
    style === 'inline'
      ? Parallel(Numbers(source.writer()), Sieve(source.reader(), primes, primes.writer()))
      : Parallel(ForkedNumbers(source.writer()), ForkedSieve(source.reader(), primes, primes.writer()));
  for (let found = 0, n = 2; found < count; n += 1) {
    if (!isPrime(n)) continue;
    const prime = await cin();
    if (prime !== n) throw new Error(`Cannot accept sample: received ${prime} instead of ${n}`);
    found += 1;
  }
  const elapsedNs = nowNs() - start;
  poison(cin);
  await network;
  printReport({ elapsedNs, count, metrics: { elapsed: elapsedNs } });
}

/** @param {number} n */
function isPrime(n) {
  for (let divisor = 2; divisor * divisor <= n; divisor += 1) if (n % divisor === 0) return false;
  return true;
}

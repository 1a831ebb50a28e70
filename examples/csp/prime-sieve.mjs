// @ts-check
// The sieve of Eratosthenes as a network that grows: each prime has a process that lets through what it does not divide.
//
//   node examples/csp/prime-sieve.mjs [how many primes]
import { isMainProcess } from 'multiproc';
import { Channel, Parallel, poison, process as csp, retire, Spawn } from 'multiproc/csp';

/** 2, 3, 4, … until nobody wants more. */
const Numbers = csp(
  import.meta,
  /** @param {import('multiproc/csp').WriteEnd<number>} cout */
  async function Numbers(cout) {
    for (let n = 2; ; n += 1) await cout(n);
  },
);

/** The first number that arrives is a prime; the next process gets those that it does not divide. A task, since there are many that do little. */
const Sieve = csp(
  /**
   * @param {import('multiproc/csp').ReadEnd<number>} cin
   * @param {import('multiproc/csp').Channel<number>} primes
   * @param {import('multiproc/csp').WriteEnd<number>} found an end of it
   */
  async function sieve(cin, primes, found) {
    const prime = await cin();
    await found(prime);
    /** @type {Channel<number>} */
    const rest = new Channel();
    const cout = rest.writer();
    Spawn(Sieve(rest.reader(), primes, primes.writer()));
    rest.close();
    for await (const n of cin) if (n % prime !== 0) await cout(n);
    retire(cout);
  },
  { inline: true },
);

if (isMainProcess) {
  const count = Number(process.argv[2] ?? 15);
  /** @type {Channel<number>} */
  const numbers = new Channel();
  /** @type {Channel<number>} */
  const primes = new Channel();
  const cin = primes.reader();
  const sieve = Parallel(Numbers(numbers.writer()), Sieve(numbers.reader(), primes, primes.writer()));
  for (let i = 0; i < count; i += 1) console.log(await cin());
  // The process that finds the next prime hears of it, and so it goes back to the numbers.
  poison(cin);
  await sieve;
}

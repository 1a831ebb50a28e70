import { isMainProcess, Pool, task } from 'multiproc';

const isPrime = task(import.meta, function isPrime(n) {
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) return false;
  return n > 1;
});
const giveUp = task(import.meta, 'giveUp', () => process.exit(3));

if (isMainProcess) {
  const pool = new Pool(2);
  const numbers = [999_999_937, 999_999_938, 1_000_000_007];
  const primes = await pool.map(isPrime, numbers, { chunksize: 1 }); // in the order of the items
  const died = await pool.apply(giveUp).catch((error) => error.exitCode); // nothing else is disturbed
  let count = 0;
  for await (const prime of pool.imapUnordered(isPrime, Array(1000).keys())) count += prime;
  console.log(primes.join(), died, count); // true,false,true 3 168
  pool.close();
  await pool.join();
}

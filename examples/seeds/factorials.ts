// Large factorials, each computed by a worker of its own.
import { isMainProcess, Pool, task } from 'multiproc';

/** The product of first to last: of two halves, since large numbers are best multiplied by numbers as large. */
function product(first: bigint, last: bigint): bigint {
  if (last - first < 8n) {
    let result = first;
    for (let factor = first + 1n; factor <= last; factor += 1n) result *= factor;
    return result;
  }
  const middle = (first + last) / 2n;
  return product(first, middle) * product(middle + 1n, last);
}

const factorial = task(import.meta, function factorial(n: number): bigint {
  return n < 2 ? 1n : product(2n, BigInt(n));
});

if (isMainProcess) {
  const numbers = [100000, 200000, 300000, 400000, 500000];

  // 创建进程池
  await using pool = new Pool({ processes: 5 });
  const results = await pool.map(factorial, numbers);

  for (const [i, number] of numbers.entries()) {
    console.log(`Factorial of ${number} is calculated: it has ${(results[i] ?? 0n).toString(2).length} bits.`);
  }
}

// A number and a list of numbers in shared memory.
import { Array as SharedArray, isMainProcess, Process, task, Value } from 'multiproc';

const f = task(import.meta, function f(n: Value<number>, a: Int32Array) {
  n.value = 3.1415927;
  for (let i = 0; i < a.length; i += 1) a[i] = -(a[i] ?? 0);
});

if (isMainProcess) {
  const num = new Value('d', 0.0);
  const arr = new SharedArray(
    'i',
    Array.from({ length: 10 }, (_, i) => i),
  );

  const p = new Process({ target: f, args: [num, arr] });
  p.start();
  await p.join();
  console.log(num.value);
  console.log(`[${arr.slice().join(', ')}]`);
}

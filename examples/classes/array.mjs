// Three processes square a third of the numbers each, in place: subarray() is a live view.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, SharedArray } from 'multiproc';

if (process.argv[2] === undefined) {
  const numbers = new SharedArray('i', [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const children = [0, 3, 6].map((from) => fork(import.meta.filename, [numbers.handle, String(from)]));
  await Promise.all(children.map((child) => once(child, 'exit')));
  console.log(numbers.join(' ')); // 1 4 9 16 25 36 49 64 81
} else {
  const from = Number(process.argv[3]);
  const part = attach(process.argv[2]).subarray(from, from + 3);
  part.forEach((number, index) => (part[index] = number ** 2));
}

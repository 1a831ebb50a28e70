// Three processes go through two phases, each phase together.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, Barrier, SharedArray } from 'multiproc';

if (process.argv[2] === undefined) {
  const phases = new Barrier(3);
  const sums = new SharedArray('i', 3);
  const children = [0, 1, 2].map((index) => fork(import.meta.filename, [phases.handle, sums.handle, String(index)]));
  await Promise.all(children.map((child) => once(child, 'exit')));
  console.log(sums.join(' ')); // 6 6 6
} else {
  const [phases, sums] = process.argv.slice(2, 4).map((handle) => attach(handle));
  const index = Number(process.argv[4]);
  sums[index] = index + 1;
  phases.waitSync(); // everybody has written
  const total = sums.reduce((sum, part) => sum + part, 0);
  phases.waitSync(); // everybody has read
  sums[index] = total;
}

// Four processes count words in one map: update() is atomic, no lock is needed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, SharedMap } from 'multiproc';

if (process.argv[2] === undefined) {
  const counts = new SharedMap({ capacity: 1000 });
  const children = [1, 2, 3, 4].map(() => fork(import.meta.filename, [counts.handle]));
  await Promise.all(children.map((child) => once(child, 'exit')));
  console.log(counts.get('the'), counts.get('fox'), counts.size); // 2000 1000 8
} else {
  const counts = attach(process.argv[2]);
  const words = 'the quick brown fox jumps over the lazy dog'.split(' ');
  for (let n = 0; n < 250; n++) {
    for (const word of words) counts.update(word, (count = 0) => count + 1);
  }
}

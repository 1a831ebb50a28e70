// Four processes count to 40,000 together: add() is atomic, no lock is needed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, Value } from 'multiproc';

if (process.argv[2] === undefined) {
  const counter = new Value('i', 0);
  const children = [1, 2, 3, 4].map(() => fork(import.meta.filename, [counter.handle]));
  await Promise.all(children.map((child) => once(child, 'exit')));
  console.log(counter.value); // 40000
} else {
  const counter = attach(process.argv[2]);
  for (let n = 0; n < 10_000; n++) counter.add(1);
}

import assert from 'node:assert';
import { attach, isMainProcess, Lock, Process, Queue, Value } from 'multiproc';
import { Channel } from 'multiproc/csp';
import { fileURLToPath } from 'node:url';
import scenario from './scenario.cjs';

class Doubler extends Process {
  static {
    Process.register(import.meta, this);
  }

  constructor(queue, number) {
    super();
    this.queue = queue;
    this.number = number;
  }

  run() {
    this.queue.putSync(2 * this.number);
  }
}

if (isMainProcess) {
  await scenario({ attach, Lock, Queue, Value }, fileURLToPath(import.meta.url));
  if (!process.send) {
    const queue = new Queue();
    const child = new Doubler(queue, 21);
    child.start();
    assert.strictEqual(await child.join(), 0);
    assert.strictEqual(queue.getNowait(), 42);
    queue.close();
    const channel = new Channel({ buffer: 1 });
    const [cin, cout] = [channel.reader(), channel.writer()];
    await cout(42);
    assert.strictEqual(await cin(), 42);
    for (const each of [cin, cout, channel]) each.close();
  }
}

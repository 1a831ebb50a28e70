'use strict';
const assert = require('node:assert');
const multiproc = require('multiproc');
const scenario = require('./scenario.cjs');

const double = multiproc.task(__filename, function double(queue, number) {
  queue.putSync(2 * number);
});

async function startProcess() {
  const queue = new multiproc.Queue();
  const child = new multiproc.Process({ target: double, args: [queue, 21] });
  child.start();
  assert.strictEqual(await child.join(), 0);
  assert.strictEqual(queue.getNowait(), 42);
  queue.close();
}

if (multiproc.isMainProcess) {
  void scenario(multiproc, __filename).then(() => (process.send ? undefined : startProcess()));
}

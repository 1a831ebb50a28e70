import assert = require('node:assert');
import multiproc = require('multiproc');

export function check(): void {
  const semaphore: multiproc.Semaphore = new multiproc.Semaphore(2);
  assert(semaphore.acquireSync({ timeout: 0 }));
  assert.strictEqual(semaphore.getValue(), 1);
  semaphore.release();
  semaphore.close();
}

if (require.main === module) check();

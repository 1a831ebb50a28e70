/**
 * What happens by itself at the start and at the end of every thread that uses the library.
 */
import { isMainThread } from 'node:worker_threads';
import { native } from './native.js';

// Leaving tells the others at once, and removes what nobody else uses. A process that cannot get here (a kill) is
// found by the locks that the kernel released.
process.once('exit', () => {
  native.shutdown();
});

if (isMainThread) {
  try {
    native.sweep();
  } catch {
    // What cannot be removed now (another user's, an unreadable folder) is not this program's business.
  }
}

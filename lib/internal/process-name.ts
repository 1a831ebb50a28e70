/**
 * What this thread is called in the texts that show who owns a lock.
 */
import { threadId } from 'node:worker_threads';

/** `MainProcess`; a worker thread adds its number, since a lock can belong to one thread of several. */
export function processName(): string {
  return threadId === 0 ? 'MainProcess' : `MainProcess|Thread-${threadId}`;
}

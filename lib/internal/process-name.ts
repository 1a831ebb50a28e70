/**
 * What this thread is called in the texts that show who owns a lock.
 */
import { threadId } from 'node:worker_threads';

let name = 'MainProcess';
let isThread = false;

/**
 * Called when a process of the library's learns its name, and when its name is changed.
 *
 * @param thread it is a thread, with a name of its own.
 */
export function setProcessName(given: string, thread = isThread): void {
  name = given;
  isThread = thread;
}

/** The name of the process; a worker thread adds its number, since a lock can belong to one thread of several. */
export function processName(): string {
  return threadId === 0 || isThread ? name : `${name}|Thread-${threadId}`;
}

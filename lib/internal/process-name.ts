/**
 * What this thread is called in the texts that show who owns a lock.
 */
import { threadId } from 'node:worker_threads';

let name = 'MainProcess';

/** Called when a process of the library's learns its name, and when its name is changed. */
export function setProcessName(given: string): void {
  name = given;
}

/** The name of the process; a worker thread adds its number, since a lock can belong to one thread of several. */
export function processName(): string {
  return threadId === 0 ? name : `${name}|Thread-${threadId}`;
}

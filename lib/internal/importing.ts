/**
 * Which module a child imports at the moment, to find in it what it is to run.
 *
 * What the import sets going (timers, promises, further imports) belongs to it, and nothing else does: an asynchronous context. It is kept where
 * a second copy of the library finds it too.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const KEY = Symbol.for('multiproc.importing');
const shared = globalThis as { [KEY]?: AsyncLocalStorage<string> | undefined };

/** The context; made by the first import, since others should not pay for it. */
export function importContext(): AsyncLocalStorage<string> {
  return (shared[KEY] ??= new AsyncLocalStorage<string>());
}

/** The URL of the module in whose import this code runs, or which has set it going; else `undefined`. */
export function importedModule(): string | undefined {
  return shared[KEY]?.getStore();
}

let warned = false;

/**
 * Call when a lock without a name is made. While a child imports its code, whoever else imports that makes a lock of his own: none excludes the others,
 * and nothing would say so. Once for each process.
 */
export function warnOfOwnLock(): void {
  if (warned) return;
  const module = importedModule();
  if (module === undefined) return;
  warned = true;
  process.emitWarning(
    `A lock, or an object that has one, was made without a name at the top level of ${module}: each process that imports that has one of its own, and ` +
      'they do not exclude each other. Pass one as an argument, give it a name and open it everywhere, or make it where isMainProcess holds',
    { type: 'MultiprocWarning', code: 'MULTIPROC_LOCK_OF_EACH_PROCESS' },
  );
}

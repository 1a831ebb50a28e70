/**
 * While a child imports the module of its target, that module must not start processes: each of them would import it again.
 */
import type { AsyncLocalStorage } from 'node:async_hooks';
import { StateError } from '../errors.js';
import { importContext, importedModule } from '../internal/importing.js';

/** Turns of the event loop in which promises that an import has left behind come to their end. */
const TURNS = 8;

let running = 0;

/** Runs `load`, during which processes are refused, and in all that it sets going. */
export async function importGuarded<T>(module: string, load: () => Promise<T>): Promise<T> {
  const importing = importContext();
  const pending = process.getActiveResourcesInfo().length;
  running += 1;
  try {
    return await importing.run(module, load);
  } finally {
    running -= 1;
    // Until Node 24 a context that is being followed makes every promise slower: only where something may still come.
    if (process.getActiveResourcesInfo().length <= pending) disableSoon(importing, TURNS);
  }
}

function disableSoon(importing: AsyncLocalStorage<string>, turns: number): void {
  if (running > 0) return;
  if (turns === 0) {
    importing.disable();
    return;
  }
  setImmediate(() => {
    disableSoon(importing, turns - 1);
  });
}

/** @throws StateError (ERR_MULTIPROC_STATE) during {@link importGuarded}, and in what was set going by it. */
export function refuseDuringImport(action: string): void {
  const module = importedModule();
  if (module === undefined) return;
  throw new StateError(
    `Cannot ${action}: this process is a child that imports ${module} to find what it is to run. ` +
      "What starts processes at a module's top level must be guarded:\n\n" +
      "    import { isMainProcess } from 'multiproc';\n" +
      '    if (isMainProcess) {\n' +
      '      …\n' +
      '    }\n',
  );
}

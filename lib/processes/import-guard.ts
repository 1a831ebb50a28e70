/**
 * While a child imports the module of its target, that module must not start processes: each of them would import it again.
 */
import { StateError } from '../errors.js';

let importing: string | undefined;

/** Runs `load`, during which processes are refused. */
export async function importGuarded<T>(module: string, load: () => Promise<T>): Promise<T> {
  importing = module;
  try {
    return await load();
  } finally {
    importing = undefined;
  }
}

/** @throws StateError (ERR_MULTIPROC_STATE) during {@link importGuarded}. */
export function refuseDuringImport(action: string): void {
  if (importing === undefined) return;
  throw new StateError(
    `Cannot ${action}: this process is a child that is only importing ${importing} to find what it is to run. ` +
      "What starts processes at a module's top level must be guarded:\n\n" +
      "    import { isMainProcess } from 'multiproc';\n" +
      '    if (isMainProcess) {\n' +
      '      …\n' +
      '    }\n',
  );
}

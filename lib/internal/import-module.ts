/**
 * Imports a user's module.
 */
let importer = (module: string): Promise<unknown> => import(module);

/** Code that the engine has from another process cannot import (ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING): whoever has loaded it does. */
export function importBy(given: (module: string) => Promise<unknown>): void {
  importer = given;
}

export function importModule(module: string): Promise<unknown> {
  return importer(module);
}

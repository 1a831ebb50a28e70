/**
 * The rest of the library: a child begins with what it needs to run, and the other classes are loaded when one of them turns up.
 */
let load: (() => unknown) | undefined;

/** Says how; whoever has loaded this part does. */
export function restBy(given: () => unknown): void {
  load = given;
}

/**
 * Loads it, unless that has been done. Every look-up by a name that came with a message does so before it says that there is no such name.
 *
 * @returns all public names.
 */
export function loadRest(): unknown {
  return load?.();
}

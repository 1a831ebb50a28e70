/**
 * Where the codec and the shared objects of the higher layers meet: they install the hooks, so nothing here imports
 * a class of theirs.
 */

/** Anything that another process can attach to by text. */
export interface SharedHandle {
  readonly handle: string;
}

/** A typed array, Buffer or DataView whose memory is a shared object's. */
export interface SharedView extends SharedHandle {
  /** Where the view begins, in bytes from the beginning of the shared object's memory. */
  readonly byteOffset: number;
  /** Elements for a typed array, bytes for a Buffer or DataView. */
  readonly length: number;
  /** Name of the built-in class of the view: `'Int32Array'`, `'Buffer'`, `'DataView'`, … */
  readonly type: string;
}

/** A shared object or view found in a value, and how it was described. */
export interface HandleSource {
  readonly object: object;
  readonly description: string | SharedView;
}

/** What the layer that knows the shared objects provides. */
export interface SharedObjectHooks {
  /**
   * The handle of a shared object, the description of a view of shared memory, `undefined` for anything else.
   * Called for every object that is neither plain nor an ordinary array, so it must be cheap.
   */
  describe(object: object): string | SharedView | undefined;
  /** The live object for what `describe` gave in another process. Its errors reach the receiver unchanged. */
  revive(description: string | SharedView): unknown;
}

let hooks: SharedObjectHooks = {
  describe: () => undefined,
  revive: (description) => description,
};

/** Installs the hooks of the layer that knows the shared objects; the last call counts. */
export function setSharedObjectHooks(installed: SharedObjectHooks): void {
  hooks = installed;
}

/** The hooks in force. Without any, nothing is shared, and a handle arrives as its text. */
export const sharedObjects: SharedObjectHooks = {
  describe: (object) => hooks.describe(object),
  revive: (description) => hooks.revive(description),
};

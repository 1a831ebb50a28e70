/**
 * The file in which a process gives its children what the engine has made of the library's text.
 */

/** Where a child finds it. */
export const CODE_DESCRIPTOR = 4;

/** The files that the library consists of; each has its place in the code file. */
export const PARTS = ['core', 'multiproc'] as const;

export type Part = (typeof PARTS)[number];

/**
 * Bytes that say where a part's code is, how long it is, and the print of its text, as text. They are zero until the code is complete. All of them are
 * in front.
 */
export const CODE_HEAD = 128;

/** The code of a part in an environment. */
export interface CompiledCode {
  readonly part: Part;
  /** Tells the text from another one in its place. */
  readonly print: string;
  /** This process had it from its parent. */
  readonly isFromParent: boolean;
  /** Takes some milliseconds. */
  readonly make: () => Uint8Array;
}

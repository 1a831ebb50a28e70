/**
 * The file in which a process gives its children what the engine has made of the library's text.
 */

/** Where a child finds it. */
export const CODE_DESCRIPTOR = 4;

/** Bytes in front of the code: its length, and the print of the text, as text. All are zero until the code is complete. */
export const CODE_HEAD = 128;

/** The code of an environment. */
export interface CompiledCode {
  /** Tells the text from another one in its place. */
  readonly print: string;
  /** This process had it from its parent. */
  readonly isFromParent: boolean;
  /** Takes some milliseconds. */
  readonly make: () => Uint8Array;
}

/**
 * The first byte of every message says how the rest is written. All numbers are little-endian; texts go up to the end of
 * the message.
 */
export const Tag = {
  UNDEFINED: 0,
  NULL: 1,
  TRUE: 2,
  FALSE: 3,
  INT32: 4,
  DOUBLE: 5,
  BIGINT64: 6,
  LATIN1: 7,
  UTF8: 8,
  /** Text that UTF-8 cannot carry, because it has a lone surrogate. */
  UTF16: 9,
  /** A type (see body.ts), six zero bytes, then bytes up to the end of the message. */
  BODY: 10,
  /** MessagePack, as msgpackr writes it; no extension types but its own for `undefined` and records. */
  PLAIN: 11,
  /** The engine's format for structured clone, with its header. */
  CLONE: 12,
  /** The same, of a pair: an array whose only element is the value, and the steps that restore it (see steps.ts). */
  RESTORED: 13,
} as const;

/** Deeper values are refused at the sender, because a receiver with less stack left could not read them. */
export const MAX_DEPTH = 1000;

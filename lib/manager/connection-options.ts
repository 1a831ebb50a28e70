/**
 * What a listener and a client have to agree on, and what each is willing to bear.
 */
import { checkInteger } from '../internal/shared-object.js';
import { LONGEST_BODY } from './frames.js';

/** Options of both sides. */
export interface ConnectionOptions {
  /** The secret that both sides must know; bytes. Default: `currentProcess().authkey`, which children inherit. */
  readonly authkey?: Uint8Array | null | undefined;
  /** Longest message, encoded, that is sent or received here, in bytes; default 1 GiB, at most 4 GiB − 1. */
  readonly maxMessage?: number | undefined;
  /** Milliseconds that the proof of the key may take; default 10,000. */
  readonly handshakeTimeout?: number | undefined;
}

const DEFAULT_MAX_MESSAGE = 2 ** 30;
const DEFAULT_TIMEOUT = 10_000;
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function checkConnectionOptions(
  options: ConnectionOptions | null | undefined,
  action: string,
): { readonly maxMessage: number; readonly handshakeTimeout: number } {
  const { maxMessage = DEFAULT_MAX_MESSAGE, handshakeTimeout = DEFAULT_TIMEOUT } = options ?? {};
  return {
    maxMessage: checkInteger(maxMessage, 1, LONGEST_BODY, 'maxMessage', action),
    handshakeTimeout: checkInteger(handshakeTimeout, 1, LONGEST_TIMEOUT, 'handshakeTimeout', action),
  };
}

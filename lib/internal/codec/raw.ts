/** The codec `'raw'`: a message is bytes and nothing else, for programs in other languages and for the last copy saved. */
import { types } from 'node:util';

import { argumentTypeError, NotTransferableError } from '../../errors.js';
import type { Encoded } from './codec.js';

/** Takes any view of bytes as it is, without copying. Same shape as `Encoder`, with nothing in the scratch. */
export class RawEncoder implements Encoded {
  readonly scratch = new Uint8Array(0);
  readonly handles = null;
  body: Uint8Array | null = null;

  /**
   * Makes the bytes of `value` the message's body and gives 0, the bytes in the scratch.
   *
   * @throws TypeError (`ERR_MULTIPROC_ARGUMENT`) for anything but a Buffer, typed array, DataView or ArrayBuffer.
   * @throws NotTransferableError (`ERR_MULTIPROC_NOT_TRANSFERABLE`) for a detached ArrayBuffer.
   */
  encode(value: unknown): number {
    if (ArrayBuffer.isView(value)) {
      this.body = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    } else if (types.isAnyArrayBuffer(value)) {
      try {
        this.body = new Uint8Array(value);
      } catch {
        throw new NotTransferableError('Cannot send a value: a detached ArrayBuffer', { path: '' });
      }
    } else {
      const received = value === null ? 'null' : typeof value;
      throw argumentTypeError(`Cannot send a value: the codec 'raw' takes bytes only, received ${received}`);
    }
    return 0;
  }
}

/** Gives the bytes of a message as a Buffer. */
export class RawDecoder {
  /** @param owned The Buffer may be a view of `bytes`; otherwise it is a copy. */
  decode(bytes: Uint8Array, start: number, end: number, owned: boolean): Buffer {
    if (owned) return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    return Buffer.from(bytes.subarray(start, end));
  }
}

import { corruptMessage } from './corrupt.js';
import { Tag } from './tags.js';

/** Reads a scalar that is a whole message. */
export function readScalar(source: Uint8Array, start: number, end: number): unknown {
  const bytes = Buffer.isBuffer(source) ? source : Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const tag = bytes[start] as number;
  const first = start + 1;
  const length = end - first;
  switch (tag) {
    case Tag.UNDEFINED:
      exactly(length, 0);
      return undefined;
    case Tag.NULL:
      exactly(length, 0);
      return null;
    case Tag.TRUE:
      exactly(length, 0);
      return true;
    case Tag.FALSE:
      exactly(length, 0);
      return false;
    case Tag.INT32:
      exactly(length, 4);
      return bytes.readInt32LE(first);
    case Tag.DOUBLE:
      exactly(length, 8);
      return bytes.readDoubleLE(first);
    case Tag.BIGINT64:
      exactly(length, 8);
      return bytes.readBigInt64LE(first);
    case Tag.LATIN1:
      return bytes.toString('latin1', first, end);
    case Tag.UTF8:
      return bytes.toString('utf8', first, end);
    case Tag.UTF16:
      if (length % 2 !== 0) throw corruptMessage('a text has half of a character');
      return bytes.toString('utf16le', first, end);
    default:
      throw corruptMessage(`tag ${tag} is unknown`);
  }
}

function exactly(length: number, expected: number): void {
  if (length < expected) throw corruptMessage('it is truncated');
  if (length > expected) throw corruptMessage(`${length - expected} bytes are left over`);
}

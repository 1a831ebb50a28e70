import { Tag } from './tags.js';

const INITIAL_SIZE = 16_384;
// A scratch that one large message blew up is given back after so many small ones in a row.
const SHRINK_ABOVE = 1 << 20;
const SHRINK_AFTER = 64;

// ES2024, which Node 20 has and the compiler's library does not.
type WellFormedText = string & { isWellFormed(): boolean };

/** Whether UTF-8 can carry a text. */
export function isWellFormed(text: string): boolean {
  return (text as WellFormedText).isWellFormed();
}

/** The memory that small messages are written into, and what scalars look like there. */
export class Scratch {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_SIZE);
  #smallMessages = 0;

  /** Makes room for a message of `length` bytes, in other memory if need be. */
  reserve(length: number): Buffer {
    const size = this.bytes.length;
    if (length > size) {
      this.#smallMessages = 0;
      this.bytes = Buffer.allocUnsafeSlow(Math.max(size * 2, length));
    } else if (size > SHRINK_ABOVE) {
      this.#smallMessages = length * 4 < size ? this.#smallMessages + 1 : 0;
      if (this.#smallMessages === SHRINK_AFTER) this.bytes = Buffer.allocUnsafeSlow(INITIAL_SIZE);
    }
    return this.bytes;
  }

  /** A message without contents. */
  writeTag(tag: number): number {
    this.reserve(1)[0] = tag;
    return 1;
  }

  writeNumber(value: number): number {
    const bytes = this.reserve(9);
    // `Object.is` semantics: −0 is no int32.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      bytes[0] = Tag.INT32;
      bytes[1] = value;
      bytes[2] = value >> 8;
      bytes[3] = value >> 16;
      bytes[4] = value >> 24;
      return 5;
    }
    bytes[0] = Tag.DOUBLE;
    return bytes.writeDoubleLE(value, 1);
  }

  /** A bigint from −2^63 to 2^63 − 1. */
  writeBigint64(value: bigint): number {
    const bytes = this.reserve(9);
    bytes[0] = Tag.BIGINT64;
    return bytes.writeBigInt64LE(value, 1);
  }

  writeText(text: string): number {
    const utf8Length = Buffer.byteLength(text, 'utf8');
    if (utf8Length === text.length) return this.#writeText(Tag.LATIN1, text, 'latin1', utf8Length);
    if (isWellFormed(text)) return this.#writeText(Tag.UTF8, text, 'utf8', utf8Length);
    return this.#writeText(Tag.UTF16, text, 'utf16le', text.length * 2);
  }

  #writeText(tag: number, text: string, encoding: BufferEncoding, length: number): number {
    const bytes = this.reserve(length + 1);
    bytes[0] = tag;
    return bytes.write(text, 1, encoding) + 1;
  }
}

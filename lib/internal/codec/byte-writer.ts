import { Tag } from './tags.js';

const INITIAL_SIZE = 16_384;
// A scratch that one large message blew up is given back after so many small ones in a row.
const SHRINK_ABOVE = 1 << 20;
const SHRINK_AFTER = 64;

// Up to here a loop over the characters beats the call into the runtime.
const SHORT_TEXT = 40;

const float64 = new Float64Array(1);
const bigint64 = new BigInt64Array(float64.buffer);
const scalar = new Uint8Array(float64.buffer);

// ES2024, which Node 20 has and the compiler's library does not.
type WellFormedText = string & { isWellFormed(): boolean };

/** Writes scalars and text into a buffer that grows. */
export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_SIZE);
  position = 0;
  #smallMessages = 0;

  /** Starts a message at the beginning of the buffer. */
  protected restart(): void {
    if (this.bytes.length > SHRINK_ABOVE) {
      this.#smallMessages = this.position * 4 < this.bytes.length ? this.#smallMessages + 1 : 0;
      if (this.#smallMessages === SHRINK_AFTER) {
        this.bytes = Buffer.allocUnsafeSlow(INITIAL_SIZE);
        this.#smallMessages = 0;
      }
    }
    this.position = 0;
  }

  /** Makes sure that `count` more bytes fit. To be called before every write below, some leave it to their caller. */
  reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.#grow(count);
  }

  #grow(count: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.position + count));
    this.bytes.copy(grown, 0, 0, this.position);
    this.bytes = grown;
  }

  /** One byte; the caller has reserved it. */
  writeByte(byte: number): void {
    this.bytes[this.position++] = byte;
  }

  /** A length, count or index from 0 to 2^53 − 1: at most 8 bytes. */
  writeVarint(value: number): void {
    this.reserve(8);
    const bytes = this.bytes;
    let position = this.position;
    let rest = value;
    while (rest >= 0x80) {
      bytes[position++] = (rest & 0x7f) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 128);
    }
    bytes[position++] = rest;
    this.position = position;
  }

  writeNumber(value: number): void {
    this.reserve(9);
    const bytes = this.bytes;
    const position = this.position;
    // `Object.is` semantics: −0 is no int32.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >>> 0 < 0x100) {
        bytes[position] = Tag.BYTE;
        bytes[position + 1] = value;
        this.position = position + 2;
        return;
      }
      bytes[position] = Tag.INT32;
      bytes[position + 1] = value;
      bytes[position + 2] = value >> 8;
      bytes[position + 3] = value >> 16;
      bytes[position + 4] = value >> 24;
      this.position = position + 5;
      return;
    }
    bytes[position] = Tag.DOUBLE;
    this.position = position + 1;
    float64[0] = value;
    this.#writeScalar();
  }

  writeBigint(value: bigint): void {
    this.reserve(9);
    if (BigInt.asIntN(64, value) === value) {
      this.bytes[this.position++] = Tag.BIGINT64;
      bigint64[0] = value;
      this.#writeScalar();
      return;
    }
    this.bytes[this.position++] = Tag.BIGINT;
    this.bytes[this.position++] = value < 0n ? 1 : 0;
    this.writeString((value < 0n ? -value : value).toString(16));
  }

  /** A bare double, without a tag. */
  writeDouble(value: number): void {
    this.reserve(8);
    float64[0] = value;
    this.#writeScalar();
  }

  #writeScalar(): void {
    const bytes = this.bytes;
    const position = this.position;
    bytes[position] = scalar[0] as number;
    bytes[position + 1] = scalar[1] as number;
    bytes[position + 2] = scalar[2] as number;
    bytes[position + 3] = scalar[3] as number;
    bytes[position + 4] = scalar[4] as number;
    bytes[position + 5] = scalar[5] as number;
    bytes[position + 6] = scalar[6] as number;
    bytes[position + 7] = scalar[7] as number;
    this.position = position + 8;
  }

  writeString(text: string): void {
    const length = text.length;
    if (length < SHORT_TEXT) {
      this.reserve(length + 2);
      const bytes = this.bytes;
      const start = this.position + 2;
      let index = 0;
      for (; index < length; index++) {
        const unit = text.charCodeAt(index);
        if (unit > 0x7f) break;
        bytes[start + index] = unit;
      }
      if (index === length) {
        bytes[start - 2] = Tag.ASCII;
        bytes[start - 1] = length;
        this.position = start + length;
        return;
      }
    }
    this.#writeText(text, length);
  }

  #writeText(text: string, length: number): void {
    const utf8Length = Buffer.byteLength(text, 'utf8');
    const ascii = utf8Length === length;
    if (ascii || (text as WellFormedText).isWellFormed()) {
      this.reserve(utf8Length + 9);
      this.bytes[this.position++] = ascii ? Tag.ASCII : Tag.UTF8;
      this.writeVarint(utf8Length);
      this.position += this.bytes.write(text, this.position, ascii ? 'latin1' : 'utf8');
      return;
    }
    this.reserve(length * 2 + 9);
    this.bytes[this.position++] = Tag.UTF16;
    this.writeVarint(length * 2);
    this.position += this.bytes.write(text, this.position, 'utf16le');
  }

  /** A length, then the bytes. */
  writeBytes(bytes: Uint8Array): void {
    this.reserve(bytes.length + 8);
    this.writeVarint(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }
}

/**
 * Objects with few keys travel as records: the keys as a block of bytes the first time in a message, an index after
 * that. A definition is: count of keys, byte length of the block, 32-bit hash of the block, the block (each key as a
 * string value). Both sides keep the blocks of earlier messages, so known keys are copied and compared as bytes; every
 * message still is complete in itself, and nothing has to be agreed upon between processes.
 */
import { corruptMessage, type ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { Tag } from './tags.js';

/** Objects with more keys are dictionaries rather than records, and travel as pairs. */
export const MAX_RECORD_KEYS = 64;

const CACHE_SIZE = 256;
// Longer blocks are used and forgotten, which bounds what either cache can hold.
const MAX_CACHED_BLOCK = 2048;

interface WrittenRecord {
  readonly keys: readonly string[];
  /** The definition with its tag. */
  readonly definition: Uint8Array;
  /** The message that defined it last, and its index there. */
  message: number;
  index: number;
}

function hashBlock(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash;
}

function sameKeys(known: readonly string[], keys: readonly string[]): boolean {
  const count = keys.length;
  if (known.length !== count) return false;
  for (let index = 0; index < count; index++) if (known[index] !== keys[index]) return false;
  return true;
}

/** The writer's side: writes definitions and back references. */
export class RecordWriter {
  readonly #cache: (WrittenRecord | null)[] = new Array<null>(CACHE_SIZE).fill(null);
  #message = 0;
  #defined = 0;

  startMessage(): void {
    this.#message++;
    this.#defined = 0;
  }

  /** Writes the head of an object with these keys; the values follow in the same order. */
  write(writer: ByteWriter, keys: readonly string[]): void {
    const slot = slotOf(keys);
    let record = this.#cache[slot] as WrittenRecord | null;
    if (record === null || !sameKeys(record.keys, keys)) {
      record = this.#define(writer, keys);
      this.#cache[slot] = record.definition.length <= MAX_CACHED_BLOCK ? record : null;
      return;
    }
    if (record.message === this.#message) {
      writer.reserve(9);
      writer.writeByte(Tag.RECORD_AGAIN);
      writer.writeVarint(record.index);
      return;
    }
    record.message = this.#message;
    record.index = this.#defined++;
    const definition = record.definition;
    const length = definition.length;
    writer.reserve(length);
    const bytes = writer.bytes;
    const start = writer.position;
    // A loop, because the call that copies natively costs more than a usual block is worth.
    for (let index = 0; index < length; index++) bytes[start + index] = definition[index] as number;
    writer.position = start + length;
  }

  #define(writer: ByteWriter, keys: readonly string[]): WrittenRecord {
    const blockStart = writer.position;
    for (const key of keys) writer.writeString(key);
    const block = writer.bytes.subarray(blockStart, writer.position);
    const hash = hashBlock(block, 0, block.length);
    const copy = Uint8Array.prototype.slice.call(block);
    writer.position = blockStart;
    writer.reserve(copy.length + 21);
    writer.writeByte(Tag.RECORD);
    writer.writeVarint(keys.length);
    writer.writeVarint(copy.length);
    for (let shift = 0; shift < 32; shift += 8) writer.writeByte((hash >>> shift) & 0xff);
    writer.bytes.set(copy, writer.position);
    writer.position += copy.length;
    const definition = Uint8Array.prototype.slice.call(writer.bytes.subarray(blockStart, writer.position));
    return { keys, definition, message: this.#message, index: this.#defined++ };
  }
}

function slotOf(keys: readonly string[]): number {
  const count = keys.length;
  if (count === 0) return 0;
  const first = keys[0] as string;
  const last = keys[count - 1] as string;
  const hash = count * 31 + first.length * 7 + first.charCodeAt(0) * 13 + last.length * 3 + last.charCodeAt(0) * 5;
  // An empty key has no first character: NaN becomes slot 0.
  return hash & (CACHE_SIZE - 1);
}

/** The keys of a record, with an object of that shape to copy. */
export interface ReadRecord {
  readonly keys: readonly string[];
  /** Spreading it gives an object of the final shape at once, faster than adding key by key. */
  readonly template: Readonly<Record<string, unknown>>;
  /** Whether a key is one that assignment would not make an own property of. */
  readonly hasProto: boolean;
  readonly block: Uint8Array;
}

/** The reader's side: finds or makes the record for a definition. */
export class RecordReader {
  readonly #cache: (ReadRecord | null)[] = new Array<null>(CACHE_SIZE).fill(null);
  #defined: ReadRecord[] = [];

  startMessage(): void {
    if (this.#defined.length > 0) this.#defined = [];
  }

  read(reader: ByteReader): ReadRecord {
    const count = reader.readVarint();
    const length = reader.readVarint();
    const hash = reader.readInt32();
    const start = reader.position;
    const slot = hash & (CACHE_SIZE - 1);
    let record = this.#cache[slot] as ReadRecord | null;
    if (record !== null && record.keys.length === count && sameBlock(record.block, reader, length)) {
      reader.skip(length);
    } else {
      record = this.#make(reader, count, start + length);
      this.#cache[slot] = length <= MAX_CACHED_BLOCK ? record : null;
    }
    this.#defined.push(record);
    return record;
  }

  readAgain(reader: ByteReader): ReadRecord {
    const record = this.#defined[reader.readVarint()];
    if (record === undefined) throw corruptMessage('a record is used before it is defined');
    return record;
  }

  #make(reader: ByteReader, count: number, end: number): ReadRecord {
    if (count > MAX_RECORD_KEYS) throw corruptMessage(`a record has ${count} keys`);
    const start = reader.position;
    const keys: string[] = [];
    const template: Record<string, unknown> = {};
    for (let index = 0; index < count; index++) {
      const key = reader.readString();
      keys.push(key);
    }
    // Its keys are then defined one by one, in their order.
    const hasProto = keys.includes('__proto__');
    if (!hasProto) for (const key of keys) template[key] = undefined;
    if (reader.position !== end) throw corruptMessage('a record definition has a wrong length');
    const block = Uint8Array.prototype.slice.call(reader.bytes, start, end);
    return { keys, template, hasProto, block };
  }
}

function sameBlock(block: Uint8Array, reader: ByteReader, length: number): boolean {
  if (block.length !== length || length > reader.end - reader.position) return false;
  const bytes = reader.bytes;
  const start = reader.position;
  for (let index = 0; index < length; index++) if (block[index] !== bytes[start + index]) return false;
  return true;
}

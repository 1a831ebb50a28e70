import { NotTransferableError } from '../../errors.js';
import { ByteReader, corruptMessage } from './byte-reader.js';
import { readError, unknownClass } from './error-reader.js';
import { RecordReader, type ReadRecord } from './records.js';
import { classOfName } from './registered-classes.js';
import { sharedObjects } from './shared-objects.js';
import { ARRAY_BUFFER_TYPE, BODY_HEAD, BUFFER_TYPE, MAX_DEPTH, Tag, VIEW_CONSTRUCTORS } from './tags.js';

// Stands in the list of objects for one whose contents are still being read.
const UNFINISHED = Symbol('unfinished');

/** Reads a value. Whatever the bytes are, it ends, in a value or in an error. */
export class ValueReader extends ByteReader {
  readonly #records = new RecordReader();
  #objects: unknown[] = [];
  #depth = 0;

  /** Reads the message between `start` and `end`; see `Decoder.decode`. */
  readMessage(source: Uint8Array, start: number, end: number, owned: boolean): unknown {
    this.open(source, start, end);
    this.#records.startMessage();
    try {
      if (this.bytes[start] === Tag.BODY && start < end) return this.#readBody(owned);
      const value = this.readValue();
      if (this.position !== end) throw corruptMessage(`${end - this.position} bytes are left over`);
      return value;
    } finally {
      // A new list is cheaper than an emptied one.
      if (this.#objects.length > 0) this.#objects = [];
      this.#depth = 0;
      if (owned) this.release();
    }
  }

  /** Numbers an object, in the order in which the writer met it. */
  addObject(object: unknown): void {
    this.#objects.push(object);
  }

  readValue(): unknown {
    const tag = this.readByte();
    switch (tag) {
      case Tag.UNDEFINED:
        return undefined;
      case Tag.NULL:
        return null;
      case Tag.TRUE:
        return true;
      case Tag.FALSE:
        return false;
      case Tag.BYTE:
        return this.readByte();
      case Tag.INT32:
        return this.readInt32();
      case Tag.DOUBLE:
        return this.readDouble();
      case Tag.ASCII:
      case Tag.UTF8:
      case Tag.UTF16:
        return this.readText(tag);
      case Tag.BIGINT64:
        return this.readBigint64();
      case Tag.BIGINT:
        return this.readBigint();
      case Tag.REFERENCE:
        return this.#readReference();
      default: {
        if (++this.#depth > MAX_DEPTH) throw corruptMessage(`it is nested deeper than ${MAX_DEPTH} levels`);
        const object = this.#readObject(tag);
        this.#depth--;
        return object;
      }
    }
  }

  #readObject(tag: number): unknown {
    switch (tag) {
      case Tag.RECORD:
        return this.#readRecord(this.#records.read(this));
      case Tag.RECORD_AGAIN:
        return this.#readRecord(this.#records.readAgain(this));
      case Tag.ARRAY:
        return this.#readArray();
      case Tag.OBJECT:
        return this.#readPairs({});
      case Tag.SPARSE_ARRAY:
        return this.#readSparseArray();
      case Tag.DATE:
        return this.#add(new Date(this.readDouble()));
      case Tag.REGEXP:
        return this.#readRegExp();
      case Tag.MAP:
        return this.#readMap();
      case Tag.SET:
        return this.#readSet();
      case Tag.BOXED:
        return this.#replace(() => Object(this.#readPrimitive()) as object);
      case Tag.BUFFER: {
        const length = this.readCount(1);
        return this.#add(Buffer.from(this.bytes.subarray(this.skip(length), this.position)));
      }
      case Tag.ARRAY_BUFFER:
        return this.#readArrayBuffer();
      case Tag.VIEW:
        return this.#replace(() => this.#readView());
      case Tag.ERROR:
        return readError(this);
      case Tag.HANDLE:
        return this.#replace(() => sharedObjects.revive(this.readString()));
      case Tag.SHARED_VIEW:
        return this.#replace(() => {
          const handle = this.readString();
          const type = this.readString();
          const byteOffset = this.readVarint();
          return sharedObjects.revive({ handle, type, byteOffset, length: this.readVarint() });
        });
      case Tag.INSTANCE:
        return this.#readPairs(Object.create(this.#readClass().prototype) as object);
      case Tag.CUSTOM:
        return this.#replace(() => this.#readCustom());
      default:
        throw corruptMessage(`tag ${tag} is unknown`);
    }
  }

  #add<T>(object: T): T {
    this.#objects.push(object);
    return object;
  }

  /** For an object that exists only when all of it has been read. */
  #replace(read: () => unknown): unknown {
    const number = this.#objects.push(UNFINISHED) - 1;
    const object = read();
    this.#objects[number] = object;
    return object;
  }

  #readReference(): unknown {
    const number = this.readVarint();
    if (number >= this.#objects.length) throw corruptMessage('a reference points beyond the objects');
    const object = this.#objects[number];
    if (object === UNFINISHED) throw corruptMessage('a reference points to an unfinished object');
    return object;
  }

  #readRecord(record: ReadRecord): object {
    const object: Record<string, unknown> = { ...record.template };
    this.#objects.push(object);
    const keys = record.keys;
    const count = keys.length;
    if (record.hasProto) {
      for (const key of keys) define(object, key, this.readValue());
      return object;
    }
    for (let index = 0; index < count; index++) object[keys[index] as string] = this.readValue();
    return object;
  }

  #readPairs<T extends object>(object: T): T {
    this.#objects.push(object);
    this.#fill(object);
    return object;
  }

  #fill(object: object): void {
    for (let count = this.readCount(2); count > 0; count--) {
      const key = this.readString();
      define(object, key, this.readValue());
    }
  }

  #readArray(): unknown[] {
    const length = this.readCount(1);
    const array: unknown[] = [];
    this.#objects.push(array);
    for (let index = 0; index < length; index++) array.push(this.readValue());
    return array;
  }

  #readSparseArray(): unknown[] {
    const length = this.readVarint();
    if (length > 0xffff_ffff) throw corruptMessage('an array is too long');
    const array: unknown[] = [];
    this.#objects.push(array);
    array.length = length;
    for (let count = this.readCount(2); count > 0; count--) {
      const key = this.readString();
      if (key === 'length') throw corruptMessage('an array has its length as a property');
      define(array, key, this.readValue());
    }
    return array;
  }

  #readRegExp(): RegExp {
    const source = this.readString();
    const flags = this.readString();
    try {
      return this.#add(new RegExp(source, flags));
    } catch {
      throw corruptMessage('a regular expression is malformed');
    }
  }

  #readMap(): Map<unknown, unknown> {
    const map = this.#add(new Map<unknown, unknown>());
    for (let count = this.readCount(2); count > 0; count--) {
      const key = this.readValue();
      map.set(key, this.readValue());
    }
    return map;
  }

  #readSet(): Set<unknown> {
    const set = this.#add(new Set());
    for (let count = this.readCount(1); count > 0; count--) set.add(this.readValue());
    return set;
  }

  #readPrimitive(): unknown {
    const value = this.readValue();
    if (value === null || value === undefined || typeof value === 'object') {
      throw corruptMessage('a boxed primitive holds something else');
    }
    return value;
  }

  #readArrayBuffer(): ArrayBuffer {
    const maximum = this.readVarint() - 1;
    const length = this.readCount(1);
    const start = this.skip(length);
    if (maximum < 0) return this.#add(copyOut(this.bytes, start, length));
    if (maximum < length) throw corruptMessage('a resizable ArrayBuffer is longer than its maximum');
    let buffer: ArrayBuffer;
    try {
      buffer = new (ArrayBuffer as ResizableArrayBufferConstructor)(length, { maxByteLength: maximum });
    } catch {
      throw corruptMessage('a resizable ArrayBuffer has an impossible maximum');
    }
    new Uint8Array(buffer).set(this.bytes.subarray(start, start + length));
    return this.#add(buffer);
  }

  #readView(): ArrayBufferView {
    const constructor = viewConstructor(this.readVarint());
    const byteOffset = this.readVarint();
    const length = this.readVarint();
    const buffer = this.readValue();
    if (!(buffer instanceof ArrayBuffer)) throw corruptMessage('a view has no ArrayBuffer');
    try {
      return new constructor(buffer, byteOffset, length);
    } catch {
      throw corruptMessage('a view does not fit its ArrayBuffer');
    }
  }

  #readClass(): NonNullable<ReturnType<typeof classOfName>> {
    const name = this.readString();
    const registered = classOfName(name);
    if (registered === undefined) throw unknownClass(name);
    return registered;
  }

  #readCustom(): object {
    const { name, conversion } = this.#readClass();
    if (conversion === undefined) {
      throw new NotTransferableError(`Cannot decode a message: class '${name}' has no fromData in this process`);
    }
    return conversion.fromData(this.readValue());
  }

  #readBody(owned: boolean): unknown {
    const start = this.position + BODY_HEAD;
    const length = this.end - start;
    if (length < 0) throw corruptMessage('it is truncated');
    const type = this.bytes[this.position + 1] as number;
    const { buffer, byteOffset } = this.bytes;
    if (type === BUFFER_TYPE) {
      return owned ? Buffer.from(buffer, byteOffset + start, length) : Buffer.from(copyOut(this.bytes, start, length));
    }
    if (type === ARRAY_BUFFER_TYPE) return copyOut(this.bytes, start, length);
    const constructor = viewConstructor(type);
    const elementSize = (constructor as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
    if (length % elementSize !== 0) throw corruptMessage('a typed array has a part of an element');
    const aligned = (byteOffset + start) % elementSize === 0;
    return owned && aligned
      ? new constructor(buffer, byteOffset + start, length / elementSize)
      : new constructor(copyOut(this.bytes, start, length), 0, length / elementSize);
  }
}

type ResizableArrayBufferConstructor = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

function viewConstructor(type: number): NonNullable<(typeof VIEW_CONSTRUCTORS)[number]> {
  const constructor = VIEW_CONSTRUCTORS[type];
  if (constructor === null || constructor === undefined) throw corruptMessage(`view type ${type} is unknown`);
  return constructor;
}

function copyOut(bytes: Uint8Array, start: number, length: number): ArrayBuffer {
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(start, start + length));
  return copy.buffer;
}

// Assignment would run setters: that of `__proto__`, or of a registered class.
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

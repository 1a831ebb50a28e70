/**
 * The first byte of every encoded value. Lengths, counts and indexes are varints (7 bits a byte, low bits first);
 * fixed-size numbers are little-endian. Objects are numbered in the order of their tags, for REFERENCE.
 */
export const Tag = {
  UNDEFINED: 0,
  NULL: 1,
  TRUE: 2,
  FALSE: 3,
  /** One byte: 0 to 255. */
  BYTE: 4,
  INT32: 5,
  DOUBLE: 6,
  /** Length in bytes, then the bytes. */
  ASCII: 7,
  UTF8: 8,
  /** Text that UTF-8 cannot carry, because it has a lone surrogate. */
  UTF16: 9,
  BIGINT64: 10,
  /** Sign byte, then the magnitude in hexadecimal as an ASCII value. */
  BIGINT: 11,
  /** Length, then that many values. */
  ARRAY: 12,
  /** Length, count, then pairs of key and value: holes, and properties that are no elements. */
  SPARSE_ARRAY: 13,
  /** A record definition (see records.ts), then one value per key. */
  RECORD: 14,
  /** Index of a definition earlier in the message, then one value per key. */
  RECORD_AGAIN: 15,
  /** Count, then pairs of key and value. */
  OBJECT: 16,
  /** Number of an object earlier in the message. */
  REFERENCE: 17,
  DATE: 18,
  /** Source, flags. */
  REGEXP: 19,
  MAP: 20,
  SET: 21,
  /** A boxed primitive: the primitive follows. */
  BOXED: 22,
  /** A Buffer: length, bytes. */
  BUFFER: 23,
  /** Byte length, maximum byte length + 1 or 0 when it cannot be resized, bytes. */
  ARRAY_BUFFER: 24,
  /** View type, byte offset, length, then the array buffer as a value. */
  VIEW: 25,
  /** Class, then hidden and enumerable properties, each a count and pairs. */
  ERROR: 26,
  /** Handle text of a shared object. */
  HANDLE: 27,
  /** Handle text, type, byte offset, length of a view of shared memory. */
  SHARED_VIEW: 28,
  /** Name of a registered class, count, pairs. */
  INSTANCE: 29,
  /** Name of a registered class, then the value that its `toData` gave. */
  CUSTOM: 30,
  /** Only as a whole message: view type, six zero bytes, then the bytes up to the end of the message. */
  BODY: 31,
} as const;

/** Deeper values are refused at the sender, because a receiver with less stack left could not read them. */
export const MAX_DEPTH = 1000;

/** Bytes before the contents of a BODY message: 8, so that a message at an aligned address has aligned contents. */
export const BODY_HEAD = 8;

type ViewConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView;

/** View types by number, the same in every version: add at the end only. 0 is Buffer, 1 is a bare ArrayBuffer. */
export const VIEW_CONSTRUCTORS: readonly (ViewConstructor | null)[] = [
  null,
  null,
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  // Float16Array exists from Node 24 on; the number is kept free for it before that.
  ((globalThis as Record<string, unknown>)['Float16Array'] as ViewConstructor | undefined) ?? null,
];

export const BUFFER_TYPE = 0;
export const ARRAY_BUFFER_TYPE = 1;

const typeByName = new Map<string, number>();
VIEW_CONSTRUCTORS.forEach((constructor, type) => {
  if (constructor !== null) typeByName.set(constructor.name, type);
});

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** The number of a view's built-in type, whatever subclass it is of. */
export function viewType(view: ArrayBufferView): number | undefined {
  // The getter of the common prototype tells typed arrays by what they are, not by a name that a subclass may change.
  const name = Reflect.get(typedArrayPrototype, Symbol.toStringTag, view) as string | undefined;
  return typeByName.get(name ?? 'DataView');
}

/** Elements of a typed array, bytes of a DataView: what the constructor takes as its third argument. */
export function viewLength(view: ArrayBufferView): number {
  return 'length' in view ? (view.length as number) : view.byteLength;
}

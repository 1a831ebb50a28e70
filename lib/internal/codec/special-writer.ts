import { types } from 'node:util';

import { writeError } from './error-writer.js';
import { refusal } from './native-kinds.js';
import { classOfPrototype } from './registered-classes.js';
import { sharedObjects, type SharedView } from './shared-objects.js';
import { ARRAY_BUFFER_TYPE, BUFFER_TYPE, Tag, viewLength, viewType } from './tags.js';
import type { Step, ValueWriter } from './value-writer.js';

/** Writes an object that is neither a plain object nor an ordinary array. */
export function writeSpecial(writer: ValueWriter, object: object, prototype: object | null): void {
  if (prototype === null) {
    writer.writeProperties(object);
    return;
  }
  const description = sharedObjects.describe(object);
  if (description !== undefined) {
    writer.addHandle({ object, description });
    if (typeof description === 'string') {
      writer.writeTag(Tag.HANDLE);
      writer.writeString(description);
    } else {
      writeSharedView(writer, description);
    }
    return;
  }
  const registered = classOfPrototype(prototype);
  if (registered?.conversion !== undefined) {
    writer.writeTag(Tag.CUSTOM);
    writer.writeString(registered.name);
    writer.writeStandIn(registered.conversion.toData(object));
  } else if (types.isNativeError(object) || object instanceof DOMException) {
    writeError(writer, object, registered);
  } else if (registered !== undefined) {
    writer.writeTag(Tag.INSTANCE);
    writer.writeString(registered.name);
    writer.writePairs(object, Object.keys(object));
  } else {
    writeBuiltIn(writer, object, prototype);
  }
}

function writeBuiltIn(writer: ValueWriter, object: object, prototype: object): void {
  if (ArrayBuffer.isView(object)) {
    writeView(writer, object);
  } else if (Array.isArray(object)) {
    writer.writeArray(object);
  } else if (types.isDate(object)) {
    writer.writeTag(Tag.DATE);
    writer.writeDouble(Date.prototype.getTime.call(object));
  } else if (types.isMap(object)) {
    writeMap(writer, object);
  } else if (types.isSet(object)) {
    writeSet(writer, object);
  } else if (types.isAnyArrayBuffer(object)) {
    writeArrayBuffer(writer, object);
  } else if (types.isRegExp(object)) {
    writer.writeTag(Tag.REGEXP);
    writer.writeString(object.source);
    writer.writeString(object.flags);
  } else if (types.isBoxedPrimitive(object)) {
    if (types.isSymbolObject(object)) writer.refuse('a symbol');
    writer.writeTag(Tag.BOXED);
    writer.write(unbox(object));
  } else {
    const reason = refusal(object, prototype);
    if (reason !== undefined) writer.refuse(reason);
    writer.writeProperties(object);
  }
}

function unbox(object: object): unknown {
  if (types.isNumberObject(object)) return Number.prototype.valueOf.call(object);
  if (types.isStringObject(object)) return String.prototype.valueOf.call(object);
  if (types.isBooleanObject(object)) return Boolean.prototype.valueOf.call(object);
  return BigInt.prototype.valueOf.call(object);
}

const KEYS: Step = { words: 'keys()' };
const VALUES: Step = { words: 'values()' };

// Both collections are copied before any part is written: a getter further down may change them.

function writeMap(writer: ValueWriter, map: Map<unknown, unknown>): void {
  const flat: unknown[] = [];
  Map.prototype.forEach.call(map, (value, key) => {
    flat.push(key, value);
  });
  writer.writeTag(Tag.MAP);
  writer.writeVarint(flat.length / 2);
  for (let index = 0; index < flat.length; index += 2) {
    const key = flat[index];
    writer.writePart(KEYS, key);
    writer.writePart({ mapKey: key }, flat[index + 1]);
  }
}

function writeSet(writer: ValueWriter, set: Set<unknown>): void {
  const items: unknown[] = [];
  Set.prototype.forEach.call(set, (item) => {
    items.push(item);
  });
  writer.writeTag(Tag.SET);
  writer.writeVarint(items.length);
  for (const item of items) writer.writePart(VALUES, item);
}

function writeView(writer: ValueWriter, view: ArrayBufferView): void {
  if (isDetached(view.buffer)) writer.refuse('a view of a detached ArrayBuffer');
  if (Buffer.isBuffer(view)) {
    // Its bytes only: what else is in the pool it may be cut from is nobody's business.
    if (types.isSharedArrayBuffer(view.buffer)) writer.refuse('a Buffer on a SharedArrayBuffer');
    writer.writeTag(Tag.BUFFER);
    writer.writeBytes(view);
    return;
  }
  const type = viewType(view);
  if (type === undefined) writer.refuse('a view of a type that this version does not know');
  writer.writeTag(Tag.VIEW);
  writer.writeVarint(type);
  writer.writeVarint(view.byteOffset);
  writer.writeVarint(viewLength(view));
  writer.writePart('buffer', view.buffer);
}

/** ES2024, which Node 20 has and the compiler's library does not. */
interface ResizableBuffer {
  readonly resizable?: boolean;
  readonly maxByteLength: number;
}

function writeArrayBuffer(writer: ValueWriter, buffer: ArrayBufferLike): void {
  if (types.isSharedArrayBuffer(buffer)) writer.refuse('a SharedArrayBuffer that is no shared object of this library');
  if (isDetached(buffer)) writer.refuse('a detached ArrayBuffer');
  const { resizable, maxByteLength } = buffer as unknown as ResizableBuffer;
  writer.writeTag(Tag.ARRAY_BUFFER);
  writer.writeVarint(resizable === true ? maxByteLength + 1 : 0);
  writer.writeBytes(new Uint8Array(buffer));
}

function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function writeSharedView(writer: ValueWriter, view: SharedView): void {
  writer.writeTag(Tag.SHARED_VIEW);
  writer.writeString(view.handle);
  writer.writeString(view.type);
  writer.writeVarint(view.byteOffset);
  writer.writeVarint(view.length);
}

/**
 * The bytes of a value that can be a message of its own without being copied here, with its type; `undefined` when
 * the value is anything else. A typed array must show its whole ArrayBuffer, because the whole would travel.
 */
export function wholeBody(value: object): { readonly type: number; readonly bytes: Uint8Array } | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && classOfPrototype(prototype) !== undefined) return undefined;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    if (!types.isArrayBuffer(buffer)) return undefined;
    if (Buffer.isBuffer(value)) return { type: BUFFER_TYPE, bytes: value };
    const type = viewType(value);
    const whole = byteOffset === 0 && byteLength === buffer.byteLength;
    if (!whole || type === undefined || (buffer as unknown as ResizableBuffer).resizable === true) return undefined;
    return { type, bytes: new Uint8Array(buffer) };
  }
  if (!types.isArrayBuffer(value) || (value as unknown as ResizableBuffer).resizable === true) return undefined;
  return { type: ARRAY_BUFFER_TYPE, bytes: new Uint8Array(value) };
}

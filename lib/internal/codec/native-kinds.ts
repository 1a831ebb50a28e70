/**
 * Tells class instances that are more than their properties: promises, weak maps, sockets, streams. Taking such an
 * object as plain data would silently lose what it is.
 */
import { Stream } from 'node:stream';
import { types } from 'node:util';

const errorPrototypes = new Set<object>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError].map(
    (constructor) => constructor.prototype as object,
  ),
);

// Global classes that are written in JavaScript and keep their state in private fields or under symbols. By name,
// because touching some of these globals loads large parts of Node.
const opaqueGlobals = new Set([
  'EventTarget',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'Blob',
  'URL',
  'URLSearchParams',
  'Headers',
  'Request',
  'Response',
  'FormData',
]);

function isOpaqueClass(constructor: object & { readonly name: string }): boolean {
  if (constructor === Stream) return true;
  const { name } = constructor;
  return opaqueGlobals.has(name) && (globalThis as Record<string, unknown>)[name] === constructor;
}

const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
const kindByPrototype = new WeakMap<object, string | null>();

function findKind(prototype: object): string | null {
  let current = prototype;
  while (true) {
    const parent = Object.getPrototypeOf(current) as object | null;
    // The root of the chain is Object.prototype, of this realm or another, or a bare object.
    if (parent === null || errorPrototypes.has(current)) return null;
    if (current === iteratorPrototype) return 'an iterator';
    const constructor: unknown = Object.getOwnPropertyDescriptor(current, 'constructor')?.value;
    if (typeof constructor === 'function') {
      const native = Function.prototype.toString.call(constructor).endsWith('{ [native code] }');
      if (native || isOpaqueClass(constructor)) return `a ${constructor.name}`;
    }
    current = parent;
  }
}

/**
 * What kind of opaque object the objects of this prototype are, as words for a message; `undefined` when they are
 * nothing but their properties, or errors.
 */
export function nativeKind(prototype: object): string | undefined {
  let kind = kindByPrototype.get(prototype);
  if (kind === undefined) {
    kind = findKind(prototype);
    kindByPrototype.set(prototype, kind);
  }
  return kind ?? undefined;
}

/** What an object that is none of the kinds that travel is; `undefined` when it can travel, as plain data. */
export function opaqueKind(object: object, prototype: object): string | undefined {
  if (types.isPromise(object)) return 'a Promise';
  if (types.isKeyObject(object) || types.isCryptoKey(object)) return 'a key';
  return nativeKind(prototype);
}

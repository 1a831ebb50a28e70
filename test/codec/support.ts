import { Decoder, Encoder } from '../../lib/internal/codec/codec.js';

export const encoder = new Encoder();
export const decoder = new Decoder();

/** The whole message of a value, in memory of its own. */
export function message(value: unknown): Buffer {
  const length = encoder.encode(value);
  return Buffer.concat([encoder.scratch.subarray(0, length), encoder.body ?? new Uint8Array(0)]);
}

/** A value as it arrives. */
export function roundTrip<T>(value: T): T {
  const bytes = message(value);
  return decoder.decode(bytes, 0, bytes.length, false) as T;
}

/**
 * The ways in which one graph of objects differs from another in what `isDeepStrictEqual` does not look at: which
 * places hold the same object. `undefined` when there is none.
 */
export function identityDifference(left: unknown, right: unknown): string | undefined {
  const pairs = new Map<object, object>();
  const partners = new Map<object, object>();
  const visit = (a: unknown, b: unknown, path: string): string | undefined => {
    if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) {
      return Object.is(a, b) ? undefined : `${path}: ${String(a)} and ${String(b)}`;
    }
    if (pairs.has(a) || partners.has(b)) {
      return pairs.get(a) === b && partners.get(b) === a ? undefined : `${path}: identity`;
    }
    pairs.set(a, b);
    partners.set(b, a);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path}: prototype`;
    for (const [step, partA, partB] of parts(a, b)) {
      const difference = visit(partA, partB, `${path}${step}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  };
  return visit(left, right, '');
}

function* parts(a: object, b: object): Generator<[string, unknown, unknown]> {
  yield ['#tag', Object.prototype.toString.call(a), Object.prototype.toString.call(b)];
  if (a instanceof Map && b instanceof Map) {
    const [flatA, flatB] = [[...a].flat(1), [...b].flat(1)];
    yield ['#size', flatA.length, flatB.length];
    for (const [index, part] of flatA.entries()) yield [`(${index})`, part, flatB[index]];
  } else if (a instanceof Set && b instanceof Set) {
    const [itemsA, itemsB] = [[...a], [...b]];
    yield ['#size', itemsA.length, itemsB.length];
    for (const [index, part] of itemsA.entries()) yield [`(${index})`, part, itemsB[index]];
  } else if (a instanceof Date && b instanceof Date) {
    yield ['#time', a.getTime(), b.getTime()];
  } else if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    yield ['#offset', a.byteOffset, b.byteOffset];
    yield ['#length', a.byteLength, b.byteLength];
    yield ['.buffer', a.buffer, b.buffer];
    return;
  } else if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    yield ['#bytes', Buffer.from(a).toString('hex'), Buffer.from(b).toString('hex')];
  } else if (a instanceof RegExp && b instanceof RegExp) {
    yield ['#regexp', String(a), String(b)];
  } else if (a instanceof Number || a instanceof String || a instanceof Boolean || a instanceof BigInt) {
    yield ['#boxed', a.valueOf(), b.valueOf()];
  }
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  yield ['#keys', keysA.join('\n'), keysB.join('\n')];
  if (Array.isArray(a) && Array.isArray(b)) yield ['#length', a.length, b.length];
  for (const key of keysA) {
    yield [`.${key}`, Reflect.get(a, key), Reflect.get(b, key)];
  }
}

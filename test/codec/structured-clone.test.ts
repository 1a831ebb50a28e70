/** The codec against the engine's own `structuredClone`, over generated values. */
import { inspect, isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { identityDifference, roundTrip } from './support.js';

const key = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 6 }) },
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'length', '0', '7', '', 'a', 'b', '\ud800', 'ключ'),
);

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }).map((units) => String.fromCharCode(...units)),
);

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(-0, 0, NaN, Infinity, 255, 256, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53),
);

const scalar = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
);

const bytes = fc.uint8Array({ maxLength: 40 });

const leaf = fc.oneof(
  { weight: 6, arbitrary: scalar },
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a+b/giu, new RegExp('[/\\n]', 'y')).map((regexp) => new RegExp(regexp)),
  scalar.filter((value) => value !== null && value !== undefined).map((value) => Object(value) as object),
  bytes.map((array) => array.slice().buffer),
  bytes.map((array) => Uint16Array.from(array)),
  bytes.map((array) => Float64Array.from(array)),
  bytes.map((array) => BigInt64Array.from(array, (item) => BigInt(item))),
  bytes.map((array) => new Uint8ClampedArray(array)),
  bytes.map((array) => new DataView(array.slice().buffer, array.length >> 1)),
  bytes.map((array) => array.slice().subarray(array.length >> 2)),
);

class Point {
  x: unknown;
  constructor(x: unknown) {
    this.x = x;
  }
  get double(): unknown {
    return this.x;
  }
}

/** Objects with references to each other and themselves: nodes are made first, edges after. */
const graph = fc
  .record({
    kinds: fc.array(fc.constantFrom('object', 'bare', 'array', 'map', 'set', 'point', 'big'), {
      minLength: 1,
      maxLength: 40,
    }),
    leaves: fc.array(leaf, { minLength: 1, maxLength: 20 }),
    edges: fc.array(fc.record({ from: fc.nat(), to: fc.nat(), key, index: fc.nat(90), viaLeaf: fc.boolean() }), {
      maxLength: 120,
    }),
  })
  .map(({ kinds, leaves, edges }) => {
    const nodes = kinds.map(newNode);
    for (const edge of edges) {
      const from = nodes[edge.from % nodes.length] as object;
      const to = edge.viaLeaf ? leaves[edge.to % leaves.length] : nodes[edge.to % nodes.length];
      addEdge(from, to, edge.key, edge.index);
    }
    return nodes[0];
  });

function newNode(kind: string): object {
  switch (kind) {
    case 'bare':
      return Object.create(null) as object;
    case 'array':
      return [];
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'point':
      return new Point(1);
    case 'big':
      return Array.from({ length: 70 }, (_, index) => index);
    default:
      return {};
  }
}

function addEdge(from: object, to: unknown, name: string, index: number): void {
  if (from instanceof Map) from.set(index % 2 === 0 ? name : to, to);
  else if (from instanceof Set) from.add(to);
  else if (Array.isArray(from) && index % 8 !== 0) from[index % 7 === 0 ? index : from.length] = to;
  else if (!Array.isArray(from) || name !== 'length') {
    Object.defineProperty(from, name, { value: to, enumerable: true, writable: true, configurable: true });
  }
}

describe('what arrives is what structuredClone gives', () => {
  it('for any scalar or leaf', () => {
    fc.assert(
      fc.property(leaf, (value) => {
        expectSame(roundTrip(value), structuredClone(value));
      }),
      { numRuns: 3000 },
    );
  });

  it('for any graph of objects, with identity, holes, prototypes and the order of keys', () => {
    fc.assert(
      fc.property(graph, (value) => {
        expectSame(roundTrip(value), structuredClone(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('for long arrays with odd properties', () => {
    for (const name of ['constructor', 'length2', '__proto__']) {
      const value = Array.from({ length: 100 }, (_, index) => index);
      Object.defineProperty(value, name, { value: 'odd', enumerable: true, writable: true, configurable: true });
      expectSame(roundTrip(value), structuredClone(value));
    }
  });

  it('in a program that added an enumerable property to every object', () => {
    const value = { a: 1, list: [{ b: 'two' }], bare: Object.assign(Object.create(null) as object, { c: -0 }) };
    let copy: typeof value;
    Object.defineProperty(Object.prototype, 'added', { value: () => 0, enumerable: true, configurable: true });
    try {
      copy = roundTrip(value);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'added');
    }
    expect(Object.keys(copy)).toEqual(['a', 'list', 'bare']);
    expectSame(copy, structuredClone(value));
  });

  it('for keys that the engine could take for something else, each above an object', () => {
    for (const key of ['__proto__', '__keys__', '\ud800', '7']) {
      const value = Object.defineProperty({ before: 1 }, key, { value: { x: [1] }, enumerable: true }) as object;
      expectSame(roundTrip([value, value]), structuredClone([value, value]));
      expectSame(roundTrip(value), structuredClone(value));
    }
  });

  it('for the comparison itself: it sees identity, −0, holes, prototypes and the order of keys', () => {
    const shared = {};
    expect(identityDifference([shared, shared], [{}, {}])).toBeDefined();
    expect(identityDifference([-0], [0])).toBeDefined();
    // oxlint-disable-next-line no-sparse-arrays -- the hole is the point
    expect(identityDifference([, 1], [undefined, 1])).toBeDefined();
    expect(identityDifference(new Point(1), { x: 1 })).toBeDefined();
    expect(identityDifference({ a: 1, b: 2 }, { b: 2, a: 1 })).toBeDefined();
    expect(identityDifference(new Uint8Array(4).subarray(1), new Uint8Array(3))).toBeDefined();
    expect(identityDifference({ a: [shared] }, { a: [{}] })).toBeUndefined();
  });
});

function expectSame(actual: unknown, expected: unknown): void {
  const difference = identityDifference(actual, expected);
  if (difference !== undefined) throw new Error(`differs at ${difference}`);
  // Older Nodes find an invalid date unequal to every other; its time was compared above.
  if (hasInvalidDate(expected)) return;
  if (!isDeepStrictEqual(actual, expected)) throw new Error('isDeepStrictEqual sees a difference');
}

function hasInvalidDate(value: unknown): boolean {
  return inspect(value, { depth: Infinity }).includes('Invalid Date');
}

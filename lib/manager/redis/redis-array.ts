/**
 * Arrays in Redis.
 */
import { argumentRangeError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import { type ElementType, elementType } from '../../memory/element-types.js';
import type { ManagedArray } from '../interfaces.js';
import { RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/*
 *   a:<id>    hash: type, the letter of the elements' type
 *   …:e       the elements' bytes, as in memory
 */
const ARRAY = `
local O = P..'a:'..ID
local TYPE = redis.call('HGET', O, 'type')
if not TYPE then return gone() end
`;

/** Makes an array of a type and bytes. */
export const NEW_ARRAY = new Script(`
redis.call('HSETNX', P..'a:'..ID, 'type', ARGV[6])
redis.call('SET', P..'a:'..ID..':e', ARGV[7])
return 1
`);

const READ = new Script(`${ARRAY}
return {TYPE, redis.call('GET', O..':e')}
`);

/* Writes bytes at a place, if what is there is what was read. */
const REPLACE = new Script(`${ARRAY}
if SAVED then return SAVED end
local first, expected = tonumber(ARGV[6]), ARGV[7]
if redis.call('GETRANGE', O..':e', first, first + #expected - 1) ~= expected then return {0} end
redis.call('SETRANGE', O..':e', first, ARGV[8])
return keep({1})
`);

/** Most bytes that Redis keeps under one key. */
const LARGEST = 2 ** 29;

type Elements = Float64Array;

/** The elements in a memory of their own. Typed arrays of both kinds of numbers have the same methods. */
function elementsOf(type: ElementType, bytes: Uint8Array): Elements {
  return new type.ElementArray(new Uint8Array(bytes).buffer) as unknown as Elements;
}

/** What the engine keeps of a new array. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function newElements(code: unknown, items: Iterable<unknown> | number): [letter: string, bytes: Buffer] {
  const type = elementType(code);
  const given = typeof items === 'number' ? undefined : [...items];
  const length = given?.length ?? checkInteger(items, 0, Math.floor(LARGEST / type.byteLength), 'length', 'make array');
  if (length * type.byteLength > LARGEST)
    throw argumentRangeError(`Cannot make array: ${length} elements are more than fit under one key`);
  const bytes = Buffer.alloc(length * type.byteLength);
  if (given === undefined) return [type.letter, bytes];
  const elements = elementsOf(type, bytes);
  given.forEach((item, place) => {
    elements[place] = type.toRaw(item) as number;
  });
  return [type.letter, Buffer.from(elements.buffer)];
}

/** An array in Redis: so many elements of one type. */
export class RedisArray<T = number> extends RedisObject implements ManagedArray<T> {
  async at(index: number): Promise<T | undefined> {
    const { type, elements } = await this.#read();
    const raw = elements.at(checkInteger(index, -(2 ** 31), 2 ** 31, 'index', 'use array'));
    return raw === undefined ? undefined : (type.fromRaw(raw) as T);
  }

  async set(index: number, value: T): Promise<void> {
    await this.#change(index, (type) => type.toRaw(value) as number);
  }

  async add(index: number, n: T): Promise<T> {
    return this.#change(index, (type, raw) => raw + (type.toRaw(n) as number));
  }

  async slice(start?: number, end?: number): Promise<T[]> {
    const { type, elements } = await this.#read();
    return Array.from(elements.slice(start, end), (raw) => type.fromRaw(raw) as T);
  }

  async length(): Promise<number> {
    const { elements } = await this.#read();
    return elements.length;
  }

  async value(): Promise<T[]> {
    return this.slice();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.value();
  }

  async #read(): Promise<{ type: ElementType; elements: Elements }> {
    const [letter, bytes] = (await this.operate(READ, [], 'read array')) as [Buffer, Buffer];
    const type = elementType(String(letter));
    return { type, elements: elementsOf(type, bytes) };
  }

  /** Writes one element, again when others were faster. @returns what it is then. */
  async #change(index: number, change: (type: ElementType, raw: number) => number): Promise<T> {
    checkInteger(index, -(2 ** 31), 2 ** 31, 'index', 'use array');
    for (;;) {
      const { type, elements } = await this.#read();
      const place = index < 0 ? elements.length + index : index;
      if (place < 0 || place >= elements.length)
        throw argumentRangeError(`Cannot use place ${index} of array: it has ${elements.length} elements`);
      const element = elements.subarray(place, place + 1);
      const before = bytesOf(element);
      element[0] = change(type, element[0] as number);
      const first = place * type.byteLength;
      const [done] = (await this.operate(REPLACE, [first, before, bytesOf(element)], 'change array')) as [number];
      if (done === 1) return type.fromRaw(element[0]) as T;
    }
  }
}

function bytesOf(element: Elements): Buffer {
  return Buffer.from(Buffer.from(element.buffer, element.byteOffset, element.byteLength));
}

registerRedisClass(RedisArray);

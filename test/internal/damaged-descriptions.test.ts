/**
 * What comes from outside and is text: handles, and the descriptions that objects carry. Whatever it says, there is an object or
 * an error of this library with a code, and nothing stays open behind an error.
 */
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  attach,
  Barrier,
  Condition,
  JoinableQueue,
  Lock,
  MultiprocError,
  Queue,
  ShareableList,
  SharedArray,
  SharedMemory,
  SimpleQueue,
  Value,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Kind, type KindName, native } from '../../lib/internal/native.js';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

let lock: Lock;
let value: Value;
let queue: Queue;
beforeAll(() => {
  lock = new Lock();
  value = new Value('i', 0);
  queue = new Queue();
});
afterAll(() => {
  for (const each of [lock, value, queue]) each.close();
});

interface Closable {
  close(): void;
}

/** Runs it, and checks what comes of it. @returns the code of its error, or what it made. */
function outcome(make: () => Closable, codes: readonly string[]): string {
  try {
    const made = make();
    expect(inspect(made)).not.toBe('');
    made.close();
    return 'made';
  } catch (error) {
    const { code = `none, ${String(error)}` } = error as { readonly code?: string };
    expect(codes).toContain(code);
    return code;
  }
}

const argument = 'ERR_MULTIPROC_ARGUMENT';
const gone = 'ERR_MULTIPROC_NOT_FOUND';
const corrupt = 'ERR_MULTIPROC_CORRUPT_SEGMENT';
const kind = 'ERR_MULTIPROC_KIND';

describe('attach()', () => {
  const any = fc.oneof(
    fc.string({ maxLength: 100 }),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `multiproc:${text}`),
    fc
      .tuple(fc.constantFrom(...Object.keys(Kind), 'connection', 'toString', '__proto__'), fc.string({ maxLength: 60 }))
      .map(([name, address]) => `multiproc:${name}:${address}`),
    fc
      .tuple(fc.constantFrom(...Object.keys(Kind)), fc.string(), fc.maxSafeNat(), fc.maxSafeNat(), fc.maxSafeNat())
      .map(([name, segment, ...numbers]) => `multiproc:${name}:${segment}:${numbers.join(':')}`),
  );

  test('gives an error with a code for any text', () => {
    fc.assert(
      fc.property(any, (text) => {
        expect(outcome(() => attach(text), [argument, gone])).not.toBe('made');
      }),
      { numRuns: 2000 },
    );
  });

  test('gives an object or an error with a code for a handle with anything changed', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom(...(['lock', 'value', 'queue'] as const)),
        fc.nat(),
        fc.constantFrom(0, 1),
        fc.oneof(
          fc.constantFrom(...Array.from('0123456789abcdefmulti:~.-+ /\0')),
          fc.constantFrom('', '-1', '64', '4294967296', '18446744073709551616', '1e3', '0x40', 'queue', 'value'),
        ),
        (which, place, removed, text) => {
          const { handle } = { lock, value, queue }[which];
          const at = place % handle.length;
          const changed = handle.slice(0, at) + text + handle.slice(at + removed);
          seen.add(outcome(() => attach(changed), [argument, gone, corrupt, kind]));
        },
      ),
      { numRuns: 5000 },
    );
    // Neither is all refused before anything is looked at, nor is everything taken.
    expect([...seen].sort()).toEqual(expect.arrayContaining([argument, gone, 'made']));
  });

  test('refuses what is no handle', () => {
    for (const odd of [undefined, null, 5, {}, [], { handle: 5 }, { handle: {} }, Symbol('handle')]) {
      expect(outcome(() => attach(odd as never), [argument])).toBe(argument);
    }
  });
});

/** JSON like what the library writes, with anything in any place; and what is no JSON at all. */
const description = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.json({ maxDepth: 2 }).filter((text) => Buffer.byteLength(text) <= 2000),
  fc
    .record(
      {
        lock: fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('LOCK', 'VALUE', 'QUEUE', 'multiproc:lock:gone')),
        struct: fc.oneof(
          fc.jsonValue({ maxDepth: 3 }),
          fc.array(
            fc.tuple(
              fc.oneof(fc.string(), fc.constantFrom('x', '__proto__', 'constructor')),
              fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('i', 'd', 'c', 'q', 'nonsense')),
            ),
          ),
        ),
        action: fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('local', 'none')),
        class: fc.oneof(
          fc.constantFrom('Queue', 'SimpleQueue', 'JoinableQueue', 'Connection', 'SharedMemory', 'ShareableList'),
          fc.jsonValue({ maxDepth: 1 }),
        ),
        codec: fc.oneof(fc.constantFrom('structured', 'raw'), fc.jsonValue({ maxDepth: 1 })),
        name: fc.jsonValue({ maxDepth: 1 }),
      },
      { requiredKeys: [] },
    )
    .map((fields) => JSON.stringify(fields)),
);

function withHandles(text: string): string {
  return text.replace('LOCK', lock.handle).replace('VALUE', value.handle).replace('QUEUE', queue.handle);
}

/** Opens an object of the kind that carries the description, and uses what was opened. */
const openers: readonly [string, KindName, (name: string) => Closable][] = [
  ['Condition', 'condition', (name) => Condition.open(name)],
  ['Barrier', 'barrier', (name) => Barrier.open(name)],
  ['Value', 'value', (name) => Value.open(name)],
  ['Array', 'array', (name) => SharedArray.open(name)],
  ['SharedMemory', 'memory', (name) => SharedMemory.open(name)],
  ['ShareableList', 'memory', (name) => ShareableList.open(name)],
  ['Queue', 'queue', (name) => Queue.open(name)],
  ['SimpleQueue', 'queue', (name) => SimpleQueue.open(name)],
  ['JoinableQueue', 'queue', (name) => JoinableQueue.open(name)],
];

let made = 0;

describe.each(openers)('%s.open()', (_class, kindName, open) => {
  test('gives an object or an error with a code, whatever its description says', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(description, fc.nat(20), fc.nat(100), (text, type, length) => {
        const name = `described-${process.pid}-${made++}`;
        const meta = withHandles(text).slice(0, 2000);
        const ref =
          kindName === 'queue'
            ? native.createQueue(name, 65_536, 0, false, meta, 4)
            : native.create(Kind[kindName], name, type, length, 64, meta, 4, null);
        try {
          seen.add(outcome(() => open(name), [corrupt, gone, kind, 'ERR_MULTIPROC_STATE']));
          // Whoever failed to open it has let go of it.
          expect(native.stats(ref).participants).toBe(1);
        } finally {
          native.close(ref);
        }
        expect(() => open(name)).toThrow(MultiprocError);
      }),
      { numRuns: 300 },
    );
    expect(seen).toContain(corrupt);
  });
});

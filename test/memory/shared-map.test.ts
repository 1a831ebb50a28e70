import { openSync, closeSync, statSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  attach,
  ClosedError,
  CorruptSegmentError,
  DeadlockError,
  ExistsError,
  Full,
  KindError,
  Lock,
  NoSpaceError,
  NotFoundError,
  NotTransferableError,
  Queue,
  SharedMap,
  StateError,
  Value,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const fixture = 'use-map.mjs';
const run = (map: SharedMap, ...args: (string | number)[]) =>
  startChild(fixture, { args: [map.handle, ...args.map(String)] });

describe('SharedMap', () => {
  test('does what a Map does', () => {
    using map = new SharedMap({ capacity: 10 });
    expect(map.size).toBe(0);
    expect(map.get('a')).toBeUndefined();
    expect(map.set('a', 1).set('b', { deep: [1n, new Date(5), new Set(['x'])] })).toBe(map);
    expect(map.get('a')).toBe(1);
    expect(map.get('b')).toEqual({ deep: [1n, new Date(5), new Set(['x'])] });
    expect([map.has('a'), map.has('c'), map.size, map.capacity]).toEqual([true, false, 2, 10]);
    expect([map.delete('a'), map.delete('a'), map.size]).toEqual([true, false, 1]);
    expect(map.setDefault('b', 0)).toHaveProperty('deep');
    expect([map.setDefault('d', 4), map.get('d')]).toEqual([4, 4]);
    map.set('d', -0);
    expect([...map.keys()].sort()).toEqual(['b', 'd']);
    expect([...map.values()]).toContainEqual(-0);
    expect(new Map(map)).toEqual(new Map(map.entries()));
    expect(inspect(map)).toBe('<SharedMap size=2 capacity=10>');
    map.clear();
    expect([map.size, [...map], map.has('b')]).toEqual([0, [], false]);
    expect(map.stats()).toMatchObject({ size: 0, capacity: 10, bytesUsed: 0, waiters: 0, ownerPid: null });
  });

  test('every text is a key of its own, and values of any length come back', () => {
    using map = new SharedMap({ capacity: 40, bytes: 300_000 });
    const keys = ['', ' ', '\0', 'ä', 'a\u0308', '\u{1f600}', 'x'.repeat(4096), 'é'.repeat(2048), '__proto__', 'size'];
    for (const [at, key] of keys.entries()) map.set(key, at);
    for (const [at, key] of keys.entries()) expect(map.get(key)).toBe(at);
    expect(new Set(map.keys())).toEqual(new Set(keys));
    for (const length of [0, 1, 31, 32, 33, 1000, 40_000]) {
      map.set('bytes', Buffer.alloc(length, 7));
      expect((map.get('bytes') as Buffer).equals(Buffer.alloc(length, 7))).toBe(true);
    }
    expect((new Map(map).get('bytes') as Buffer).equals(Buffer.alloc(40_000, 7))).toBe(true);
  });

  test('a value that was got is a copy', () => {
    using map = new SharedMap<{ list: number[] }>({ capacity: 2 });
    const value = { list: [1] };
    map.set('a', value);
    value.list.push(2);
    map.get('a')?.list.push(3);
    expect(map.get('a')).toEqual({ list: [1] });
  });

  test('update() gets the old value, sets what is returned and removes for undefined', () => {
    using map = new SharedMap<number>({ capacity: 4 });
    expect(map.update('n', (n = 10) => n + 1)).toBe(11);
    expect(map.update('n', (n = 0) => n + 1)).toBe(12);
    expect(map.update('n', () => undefined)).toBeUndefined();
    expect(map.update('n', () => undefined)).toBeUndefined();
    expect(map.has('n')).toBe(false);
  });

  test('an update() that fails changes nothing, and the map goes on', () => {
    using map = new SharedMap({ capacity: 4, bytes: 0 });
    map.set('n', 1);
    const failure = new Error('no');
    expect(() =>
      map.update('n', () => {
        throw failure;
      }),
    ).toThrow(failure);
    expect(() => map.update('n', () => Promise.resolve(2))).toThrow(StateError);
    expect(() => map.update('n', () => () => 2)).toThrow(NotTransferableError);
    expect(() => map.update('n', () => 'x'.repeat(1000))).toThrow(Full);
    expect(() => map.update('n', 5 as never)).toThrow(TypeError);
    expect(map.get('n')).toBe(1);
    expect(map.update('n', (n) => (n as number) + 1)).toBe(2);
  });

  test('in update() the map can be read, and closed, but not changed', () => {
    using map = new SharedMap<number>({ capacity: 4 });
    using same = attach<SharedMap<number>>(map.handle);
    map.set('a', 1);
    const changes = [
      () => same.set('b', 2),
      () => same.delete('a'),
      () => {
        same.clear();
      },
      () => same.update('a', () => 2),
      () => same.setDefault('c', 1),
    ];
    const after = map.update('a', (old) => {
      expect([map.get('a'), map.has('a'), map.size, [...map]]).toEqual([old, true, 1, [['a', 1]]]);
      expect(map.stats().ownerPid).toBe(process.pid);
      for (const change of changes) expect(change).toThrow(DeadlockError);
      map.close();
      return 5;
    });
    expect(after).toBe(5);
    expect([...same]).toEqual([['a', 5]]);
    expect(same.set('b', 1).size).toBe(2);
  });

  test('what has no room is refused and changes nothing', () => {
    using map = new SharedMap({ capacity: 3, bytes: 100 });
    for (const key of ['a', 'b', 'c']) map.set(key, 1);
    expect(() => map.set('d', 1)).toThrow(Full);
    expect(() => map.set('d', 1)).toThrow(/it has 3 entries, its capacity/);
    expect(() => map.setDefault('d', 1)).toThrow(Full);
    expect(() => map.set('a', 'x'.repeat(1000))).toThrow(/no room for it, 192 of \d+ bytes are in use/);
    expect(Object.fromEntries(map)).toEqual({ a: 1, b: 1, c: 1 });
    // Replacing goes on for ever.
    for (let i = 0; i < 100; i++) map.set('a', i);
    map.delete('b');
    expect(map.set('d', 1).size).toBe(3);
  });

  test('so much as was asked for fits, in whatever pieces', () => {
    for (const [capacity, length] of [
      [100, 1],
      [100, 33],
      [50, 41],
      [20, 97],
      [3, 5000],
    ] as const) {
      const keyLength = 3;
      // A text of ASCII is encoded in one byte more than it has.
      using map = new SharedMap<string>({ capacity, bytes: capacity * (keyLength + length + 1) });
      for (let i = 0; i < capacity; i++) map.set(String(i).padStart(keyLength), 'x'.repeat(length));
      expect(map.size).toBe(capacity);
      expect(map.stats().bytesUsed).toBeLessThanOrEqual(map.stats().bytesTotal);
    }
  });

  test('refuses what is no key, no value, no option', () => {
    using map = new SharedMap({ capacity: 4 });
    const argument = expect.objectContaining({ code: 'ERR_MULTIPROC_ARGUMENT' }) as Error;
    for (const key of [5, undefined, null, Symbol('x'), {}, '\ud800', 'x'.repeat(4097), 'é'.repeat(2049)]) {
      const wrong = key as string;
      for (const use of [
        () => map.get(wrong),
        () => map.has(wrong),
        () => map.set(wrong, 1),
        () => map.delete(wrong),
        () => map.setDefault(wrong, 1),
        () => map.update(wrong, () => 1),
      ])
        expect(use).toThrow(argument);
    }
    expect(() => map.set('a', undefined)).toThrow(argument);
    expect(() => map.set('a', () => 1)).toThrow(NotTransferableError);
    using lock = new Lock();
    using value = new Value('i');
    expect(() => map.set('a', { lock })).toThrow(NotTransferableError);
    expect(() => map.set('a', [value])).toThrow(/refers to a shared object/);
    expect(map.size).toBe(0);
    for (const capacity of [0, -1, NaN, Infinity, 1.5, '5', undefined, null, 2 ** 30 + 1])
      expect(() => new SharedMap({ capacity: capacity as number })).toThrow(argument);
    for (const bytes of [-1, NaN, Infinity, 0.5, '5', null, 2 ** 36 + 1])
      expect(() => new SharedMap({ capacity: 1, bytes: bytes as number })).toThrow(argument);
    for (const options of [undefined, null, 5, { capacity: 1, name: '/' }, { capacity: 1, maxParticipants: 0 }])
      expect(() => new SharedMap(options as never)).toThrow(argument);
    expect(() => new SharedMap({ capacity: 2 ** 30, bytes: 2 ** 36 })).toThrow(NoSpaceError);
  });

  test('a closed map is refused by everything', () => {
    const map = new SharedMap<number>({ capacity: 4 });
    map.set('a', 1);
    const entries = map.entries();
    map.close();
    map.close();
    const uses = [
      () => map.get('a'),
      () => map.has('a'),
      () => map.set('a', 1),
      () => map.delete('a'),
      () => map.setDefault('a', 1),
      () => map.update('a', () => 1),
      () => map.size,
      () => map.keys(),
      () => map.stats(),
      () => entries.next(),
      () => {
        map.clear();
      },
      () => map.unlink(),
    ];
    for (const use of uses) expect(use).toThrow(ClosedError);
    expect(String(map)).toBe('<SharedMap closed>');
  });

  test('iteration gives each key that stays exactly once, whatever is changed meanwhile', () => {
    using map = new SharedMap<number>({ capacity: 200 });
    for (let i = 0; i < 100; i++) map.set(`stays ${i}`, i);
    const seen: string[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      map.set(`new ${seen.length % 90}`, 1);
      map.delete(`new ${(seen.length * 7) % 90}`);
      map.set(`stays ${seen.length % 100}`, seen.length);
    }
    expect(seen.length).toBe(new Set(seen).size);
    expect(seen.filter((key) => key.startsWith('stays')).length).toBe(100);
  });

  test('is opened by its name, and travels by handle, message and argument', async () => {
    const name = `map-${process.pid}`;
    expect(() => SharedMap.open(name)).toThrow(NotFoundError);
    using map = SharedMap.openOrCreate<number>(name, { capacity: 5 });
    using same = SharedMap.openOrCreate<number>(name, { capacity: 99 });
    using third = SharedMap.open<number>(name);
    expect([same.capacity, third.capacity]).toEqual([5, 5]);
    expect(() => new SharedMap({ capacity: 5, name })).toThrow(ExistsError);
    expect(() => Lock.open(name)).toThrow(KindError);
    using queue = new Queue<SharedMap<number>[]>();
    queue.putSync([map]);
    using fourth = queue.getSync()[0] as SharedMap<number>;
    fourth.set('a', 1);
    expect([map.get('a'), same.get('a'), third.get('a')]).toEqual([1, 1, 1]);
    expect(await run(map, 'count', 1, 10).exit).toMatchObject({ code: 0, stderr: '' });
    expect(third.get('counter 0')).toBe(10);
    expect(map.unlink()).toBe(true);
    expect(() => SharedMap.open(name)).toThrow(NotFoundError);
    expect(map.get('a')).toBe(1);
  });

  test('a damaged map is an error for everybody and never a crash', () => {
    const name = `map-damaged-${process.pid}`;
    const map = new SharedMap<number>({ capacity: 100, name, maxParticipants: 4 });
    map.set('a', 1);
    const file = `/dev/shm/multiproc.${process.geteuid?.() ?? ''}.${name}`;
    const descriptor = openSync(file, 'r+');
    const body = 8192;
    writeSync(descriptor, Buffer.alloc(statSync(file).size - body - 1024, 0xff), 0, null, body + 1024);
    closeSync(descriptor);
    for (const use of [() => map.get('a'), () => map.set('a', 2), () => [...map], () => map.update('b', () => 1)])
      expect(use).toThrow(CorruptSegmentError);
    map.close();
  });
});

describe('SharedMap in several processes', () => {
  test('updates of four processes are not lost', async () => {
    using map = new SharedMap<number>({ capacity: 10 });
    const children = [1, 2, 3, 4].map(() => run(map, 'count', 3, 3000));
    for (const child of children) expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
    expect([...map.values()].reduce((sum, n) => sum + n, 0)).toBe(12_000);
    expect(map.size).toBe(3);
  });

  test('each process finds its own entries as in a Map, whatever the others do', async () => {
    using map = new SharedMap({ capacity: 200, bytes: 60_000 });
    const children = [1, 2, 3].map((number) => run(map, 'differ', number, 4000));
    for (const child of children) expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  });

  test('a value that is replaced all the time is read whole', async () => {
    using map = new SharedMap<string>({ capacity: 2, bytes: 1_000_000 });
    const length = 100_000;
    const child = run(map, 'flicker', length, 3000);
    let over = false;
    void child.exit.then(() => (over = true));
    let reads = 0;
    await until('the end', () => {
      const text = map.get('large');
      if (text !== undefined) {
        reads += 1;
        if (text !== (text[0] ?? '').repeat(length)) throw new Error('A text of several values');
      }
      return over;
    });
    expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
    expect(reads).toBeGreaterThan(0);
  });

  test('a process that is killed in update() leaves the old value, and the others go on', async () => {
    using map = new SharedMap<string>({ capacity: 4 });
    map.set('key', 'old');
    expect(await run(map, 'die').exit).toMatchObject({ signal: 'SIGKILL' });
    expect(map.get('key')).toBe('old');
    expect(map.update('key', (old) => `${old ?? ''}, new`)).toBe('old, new');
    expect(map.stats()).toMatchObject({ ownerDeaths: 1, ownerPid: null });
  });

  test('a process that is stopped in update() keeps writers waiting and no reader, until it is killed', async () => {
    using map = new SharedMap<string>({ capacity: 4 });
    map.set('key', 'old');
    const child = run(map, 'stay');
    await until('an update under way', () => map.stats().ownerPid === child.pid);
    child.kill('SIGSTOP');
    const writer = run(map, 'count', 1, 1);
    await until('a waiting writer', () => map.stats().waiters === 1);
    expect([map.get('key'), [...map], map.size]).toEqual(['old', [['key', 'old']], 1]);
    child.kill('SIGKILL');
    expect(await writer.exit).toMatchObject({ code: 0, stderr: '' });
    expect(map.get('counter 0')).toBe(1);
  });

  test('a thread that is terminated in update() leaves the old value', async () => {
    using map = new SharedMap<string>({ capacity: 4 });
    map.set('key', 'old');
    const file = fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url));
    const counting = new Worker(file, { argv: [map.handle, 'count', '1', '100'] });
    await until('the counting', () => (map.get('counter 0') as unknown) === 100);
    await counting.terminate();
    const staying = new Worker(file, { argv: [map.handle, 'stay'] });
    await until('an update under way', () => map.stats().ownerPid === process.pid);
    await staying.terminate();
    expect(map.update('key', (old) => `${old ?? ''}, new`)).toBe('old, new');
  });

  test('processes that are killed anywhere in changing the map leave it whole', async () => {
    using map = new SharedMap({ capacity: 10 });
    for (let round = 0; round < 3; round++) {
      const children = [run(map, 'storm'), run(map, 'storm')];
      const target = 2000 * (round + 1);
      await until('changes', () => map.stats().acquired > target);
      for (const child of children) child.kill('SIGKILL');
      for (const child of children) await child.exit;
      for (const [key, value] of map) {
        if (key !== 'number' && key !== 'mine') expect(value).toMatch(/^y*$/);
      }
      expect(map.set('mine', round).get('mine')).toBe(round);
    }
    map.clear();
    expect([map.size, map.stats().bytesUsed]).toEqual([0, 0]);
    for (let i = 0; i < 10; i++) map.set(`all ${i}`, 'x'.repeat(50));
  });
});

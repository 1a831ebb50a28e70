import { inspect } from 'node:util';
import { attach, struct, Value } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const Point = struct({ x: 'i', y: 'd' });

describe('struct()', () => {
  test('lays fields out as C does', () => {
    expect(struct({ a: 'b', b: 'i' }).byteLength).toBe(8);
    expect(Point.byteLength).toBe(16);
    expect(struct({ a: 'd', b: 'b' }).byteLength).toBe(16);
    expect(struct({ a: 'c', b: 'c', c: 'h' }).byteLength).toBe(4);
    expect(struct({ a: 'b', inner: Point }).byteLength).toBe(24);
    expect(inspect(Point)).toBe('struct { x: int32, y: float64 }');
  });

  test('refuses what is no structure', () => {
    expect(() => struct({})).toThrow(RangeError);
    expect(() => struct({ x: 'z' as 'i' })).toThrow(TypeError);
    expect(() => struct(null as never)).toThrow(TypeError);
    expect(() => struct('ix' as never)).toThrow(TypeError);
  });

  test('a structure with more fields than can be described is refused', () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`field${index}`, 'i' as const]));
    expect(() => new Value(struct(many))).toThrow(RangeError);
  });
});

describe('Value of a structure', () => {
  test('is a live object', () => {
    using point = new Value(Point, { x: 3, y: 0.5 });
    using same = attach<typeof point>(point.handle);
    const live = same.value;
    point.value.x += 1;
    expect(live.x).toBe(4);
    live.y = -1;
    expect(point.value.y).toBe(-1);
    expect({ ...live }).toEqual({ x: 4, y: -1 });
    expect(structuredClone(live)).toEqual({ x: 4, y: -1 });
    expect(inspect(point)).toBe('<Value struct { x: 4, y: -1 }>');
    expect(inspect(live)).toBe('{ x: 4, y: -1 }');
  });

  test('assigning writes the fields given, all or none', () => {
    using point = new Value(Point, { y: 2 });
    expect({ ...point.value }).toEqual({ x: 0, y: 2 });
    point.value = { x: 7 };
    expect({ ...point.value }).toEqual({ x: 7, y: 2 });
    expect(() => (point.value = { y: 3, x: 1.5 })).toThrow(TypeError);
    expect(() => (point.value = { y: 3, z: 1 } as never)).toThrow(TypeError);
    expect(() => (point.value = 5 as never)).toThrow(TypeError);
    expect({ ...point.value }).toEqual({ x: 7, y: 2 });
    expect(() => {
      (point.value as unknown as { z: number }).z = 1;
    }).toThrow(TypeError);
    expect(() => (point.value.x = 0.5)).toThrow(TypeError);
  });

  test('structures nest, and take all types', () => {
    const All = struct({ c: 'c', u: 'u', q: 'q', f: 'f', inner: struct({ p: Point, n: 'H' }) });
    using value = new Value(All, { c: 65, u: 'ß', q: -5n, f: 0.25, inner: { p: { x: 1 }, n: 65_537 } });
    expect(value.value.c.toString()).toBe('A');
    expect(value.value.u).toBe('ß');
    expect(value.value.q).toBe(-5n);
    expect(value.value.inner.n).toBe(1);
    value.value.inner.p = { x: 9, y: 8 };
    expect(value.value.inner.p.y).toBe(8);
    expect(() => (value.value = { inner: { p: { y: 'text' as unknown as number } } })).toThrow(TypeError);
  });

  test('update() gets a copy and writes what it returns', async () => {
    using point = new Value(Point, { x: 1, y: 1 });
    const after = await point.update((old) => {
      old.x = 100;
      expect(point.value.x).toBe(1);
      return { y: old.y + 1 };
    });
    expect(after).toEqual({ x: 1, y: 2 });
  });

  test('has no atomic operations as a whole', () => {
    using point = new Value(Point);
    expect(() => point.exchange({ x: 1 })).toThrow(TypeError);
    expect(() => point.add({ x: 1 })).toThrow(TypeError);
  });

  test('travels with its fields', async () => {
    using point = new Value(Point, { x: 2, y: 2.5 });
    const agent = new Agent();
    expect(await agent.get(point, 'value')).toEqual({ x: 2, y: 2.5 });
    await agent.end();
  });
});

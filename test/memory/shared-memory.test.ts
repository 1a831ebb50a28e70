import { inspect } from 'node:util';
import { attach, ClosedError, ExistsError, KindError, NotFoundError, ShareableList, SharedMemory } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

describe('SharedMemory', () => {
  test('create() gives zeros under a name that open() finds', () => {
    const name = `memory-test-${process.pid}`;
    using memory = SharedMemory.create({ name, size: 100 });
    expect(memory.name).toBe(name);
    expect(memory.size).toBe(100);
    expect(memory.buffer).toEqual(Buffer.alloc(100));
    using opened = SharedMemory.open(name);
    opened.buffer.write('hello');
    expect(memory.buffer.toString('latin1', 0, 5)).toBe('hello');
    expect(inspect(memory)).toBe(`<SharedMemory '${name}' size=100>`);
    expect(() => SharedMemory.create({ name, size: 1 })).toThrow(ExistsError);
    using same = SharedMemory.openOrCreate(name, { size: 5 });
    expect(same.size).toBe(100);
  });

  test('makes up a name, under which others can open it', () => {
    using memory = SharedMemory.create({ size: 1 });
    using other = new SharedMemory({ size: 1 });
    expect(other.name).not.toBe(memory.name);
    using opened = SharedMemory.open(memory.name);
    expect(opened.size).toBe(1);
  });

  test('refuses a missing or bad size: RangeError', () => {
    for (const size of [undefined, null, 0, -1, 1.5, NaN, Infinity, 2 ** 60, '8', {}]) {
      expect(() => SharedMemory.create({ size: size as number }), inspect(size)).toThrow(RangeError);
    }
    expect(() => SharedMemory.create({} as never)).toThrow(RangeError);
    expect(() => SharedMemory.create(undefined as never)).toThrow(TypeError);
    expect(() => SharedMemory.create({ size: 1, name: 'a\0b' })).toThrow(RangeError);
    expect(() => SharedMemory.open('a:b')).toThrow(RangeError);
    expect(() => SharedMemory.open(5 as never)).toThrow(TypeError);
  });

  test('unlink() removes the name, once; those who have it keep it', () => {
    using memory = SharedMemory.create({ size: 8 });
    expect(memory.unlink()).toBe(true);
    expect(memory.unlink()).toBe(false);
    expect(() => SharedMemory.open(memory.name)).toThrow(NotFoundError);
    memory.buffer[0] = 5;
    expect(memory.buffer[0]).toBe(5);
  });

  test('after close() the buffer is refused, and one got before stays readable', () => {
    const memory = SharedMemory.create({ size: 8 });
    const { buffer, name } = memory;
    buffer[0] = 3;
    memory.close();
    memory.close();
    expect(() => memory.buffer).toThrow(ClosedError);
    expect(() => memory.unlink()).toThrow(ClosedError);
    expect(buffer[0]).toBe(3);
    expect(() => SharedMemory.open(name)).toThrow(NotFoundError);
    expect(String(memory)).toBe('<SharedMemory closed>');
  });

  test('attaching never destroys', async () => {
    using memory = SharedMemory.create({ size: 8 });
    const agent = new Agent();
    expect(await agent.get(memory, 'size')).toBe(8);
    await agent.end();
    using again = SharedMemory.open(memory.name);
    expect(again.size).toBe(8);
  });

  test('handles and names lead to the class that made the memory', () => {
    using memory = SharedMemory.create({ size: 8 });
    using list = new ShareableList([1]);
    using attached = attach(list.handle);
    expect(attached).toBeInstanceOf(ShareableList);
    expect(() => SharedMemory.open(list.name)).toThrow(KindError);
    expect(() => ShareableList.open(memory.name)).toThrow(KindError);
  });
});

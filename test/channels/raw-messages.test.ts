import { attach, ClosedError, Empty, Full, Queue, ShutDownError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

describe('reserve() and receive()', () => {
  test('move bytes without copying', async () => {
    using queue = new Queue<Buffer>({ codec: 'raw' });
    const slot = await queue.reserve(5);
    expect(slot.bytes.length).toBe(5);
    slot.bytes.write('hello');
    expect(queue.empty()).toBe(true);
    slot.commit();
    expect(queue.qsize()).toBe(1);
    const message = await queue.receive();
    expect(message.bytes.toString()).toBe('hello');
    expect(queue.qsize()).toBe(0);
    message.release();
    expect(queue.stats().bytesUsed).toBe(0);
  });

  test('commit() may shorten, put and get see the same messages', () => {
    using queue = new Queue<Buffer>({ codec: 'raw' });
    const slot = queue.reserveSync(100);
    slot.bytes.write('abc');
    slot.commit(3);
    expect(queue.getSync().toString()).toBe('abc');
    queue.putSync(Buffer.from('def'));
    using message = queue.receiveSync();
    expect(message.bytes.toString()).toBe('def');
    queue.reserveSync(0).commit();
    expect(queue.getSync().length).toBe(0);
  });

  test('abort() and dispose leave no trace', () => {
    using queue = new Queue<Buffer>({ codec: 'raw', maxsize: 1 });
    queue.reserveSync(10).abort();
    {
      using slot = queue.reserveSync(10);
      slot.bytes.fill(1);
    }
    expect(queue.empty()).toBe(true);
    queue.putNowait(Buffer.from('x'));
    expect(queue.getSync().toString()).toBe('x');
  });

  test('what is over is over', () => {
    using queue = new Queue<Buffer>({ codec: 'raw' });
    const slot = queue.reserveSync(10);
    expect(() => {
      slot.commit(11);
    }).toThrow(RangeError);
    expect(() => {
      slot.commit(-1);
    }).toThrow(RangeError);
    slot.commit();
    expect(() => slot.bytes).toThrow(ClosedError);
    expect(() => {
      slot.commit();
    }).toThrow(ClosedError);
    expect(() => {
      slot.abort();
    }).toThrow(ClosedError);
    slot[Symbol.dispose]();
    const message = queue.receiveSync();
    message.release();
    expect(() => message.bytes).toThrow(ClosedError);
    expect(() => {
      message.release();
    }).toThrow(ClosedError);
    message[Symbol.dispose]();
  });

  test('a claim outlives the queue object', () => {
    const queue = new Queue<Buffer>({ codec: 'raw' });
    using same = attach<Queue<Buffer>>(queue.handle);
    const slot = queue.reserveSync(3);
    queue.close();
    slot.bytes.write('abc');
    slot.commit();
    expect(same.getSync().toString()).toBe('abc');
  });

  test('waits, times out, and refuses what never fits', async () => {
    using queue = new Queue<Buffer>({ codec: 'raw', maxsize: 1 });
    const slot = queue.reserveSync(10);
    expect(() => queue.reserveSync(10, { timeout: 0 })).toThrow(Full);
    await expect(queue.reserve(10, { timeout: 1 })).rejects.toThrow(Full);
    expect(() => queue.receiveSync({ timeout: 0 })).toThrow(Empty);
    await expect(queue.receive({ timeout: 1 })).rejects.toThrow(Empty);
    const pending = queue.reserve(10);
    slot.abort();
    (await pending).abort();
    expect(() => queue.reserveSync(queue.capacity)).toThrow(RangeError);
    expect(() => queue.reserveSync(-1)).toThrow(RangeError);
    await expect(queue.reserve(1.5)).rejects.toThrow(RangeError);
    await expect(queue.reserve('5' as never)).rejects.toThrow(TypeError);
  });

  test('receive() takes messages that have a segment of their own', () => {
    using queue = new Queue<Buffer>({ codec: 'raw', capacity: 4096 });
    queue.putSync(Buffer.alloc(50_000, 'xyz'));
    using message = queue.receiveSync();
    expect(message.bytes.equals(Buffer.alloc(50_000, 'xyz'))).toBe(true);
  });

  test('after an immediate shutdown nothing is committed', () => {
    using queue = new Queue<Buffer>({ codec: 'raw' });
    queue.shutdown();
    expect(() => queue.reserveSync(1)).toThrow(ShutDownError);
    expect(() => queue.receiveSync()).toThrow(ShutDownError);
  });

  test('a message whose receiver was killed is received by the next', async () => {
    using queue = new Queue<Buffer>({ codec: 'raw' });
    queue.putSync(Buffer.from('message'));
    const child = startChild('die-with-claims.mjs', { args: [queue.handle] });
    expect((await child.exit).signal).toBe('SIGKILL');
    expect(queue.getSync().toString()).toBe('message');
    expect(queue.empty()).toBe(true);
    // The room that the dead process had reserved is free again.
    expect(queue.stats().bytesUsed).toBe(0);
  });
});

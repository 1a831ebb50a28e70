/** SharedMemoryManager: blocks that are kept while it is started, and go when it is shut down. */
import { readdirSync } from 'node:fs';
import { ShareableList, SharedMemory, SharedMemoryManager, StateError, NotFoundError } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

test('keeps the blocks that it made until it is shut down, and removes their names then', () => {
  using manager = new SharedMemoryManager().start();
  const block = manager.SharedMemory(16);
  block.buffer.write('kept');
  block.close();
  using again = SharedMemory.open(block.name);
  expect(again.buffer.toString('latin1', 0, 4)).toBe('kept');
  const list = manager.ShareableList([1, 2.5, 'zwei', Buffer.from([0, 1]), null, true]);
  const { name } = list;
  list.close();
  using open = ShareableList.open(name);
  expect([...open]).toEqual([1, 2.5, 'zwei', Buffer.from([0, 1]), null, true]);

  manager.shutdown();
  manager.shutdown();
  expect(() => SharedMemory.open(block.name)).toThrow(NotFoundError);
  expect(() => ShareableList.open(name)).toThrow(NotFoundError);
  // Who has it keeps it.
  expect(open.get(2)).toBe('zwei');
});

test('makes nothing before the start and after the shutdown', () => {
  const manager = new SharedMemoryManager();
  expect(() => manager.SharedMemory(1)).toThrow(StateError);
  expect(() => manager.ShareableList([])).toThrow('it has not been started'.slice(3));
  manager.start();
  expect(() => manager.start()).toThrow(StateError);
  expect(() => manager.SharedMemory(0)).toThrow(RangeError);
  expect(String(manager)).toBe('<SharedMemoryManager started blocks=0>');
  manager.shutdown();
  expect(() => manager.SharedMemory(1)).toThrow(StateError);
  expect(() => manager.start()).toThrow('was shut down');
});

test('nothing stays of the blocks of a process that is killed', async () => {
  const child = startChild('keep-blocks.mjs');
  const name = (await child.message()) as string;
  expect(readdirSync('/dev/shm').some((file) => file.endsWith(name))).toBe(true);
  child.kill();
  await child.exit;
});

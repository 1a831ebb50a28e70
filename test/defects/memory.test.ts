/** What shared memory of Python's multiprocessing does wrong, and this does not: see `channels.test.ts`. */
import { ClosedError, NotFoundError, Process, ShareableList, SharedMemory, Value } from 'multiproc';
import { expect, test } from 'vitest';
import { useMemoryAfterClose } from '../fixtures/defect-tasks.mjs';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { OwnSharedMemory } from '../support/worlds.js';

expectNoLeftovers();

test('D28: who attaches to memory and ends, or is killed, destroys nothing and prints nothing', async () => {
  using memory = SharedMemory.create({ size: 100_000 });
  memory.buffer.fill(7);
  const [ending, killed] = [new Agent(), new Agent()];
  for (const agent of [ending, killed]) expect(await agent.get(memory, 'size')).toBe(100_000);
  await ending.end();
  await killed.kill();
  expect((await ending.child.exit).stderr + (await killed.child.exit).stderr).toBe('');
  using again = SharedMemory.open(memory.name);
  expect(again.buffer.every((byte) => byte === 7)).toBe(true);
});

test('D29: memory that cannot be had is refused when it is made', async () => {
  expect(() => SharedMemory.create({ size: 2 ** 40 })).toThrow(RangeError);
  await using memory = await OwnSharedMemory.mount('size=1m');
  const agent = new Agent({ within: memory.within });
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await agent.get(`new:SharedArray:D29-${i}`, 'length');
  };
  await expect(fill()).rejects.toMatchObject({ code: 'ERR_MULTIPROC_NO_SPACE' });
  // What there is can be written to its last page.
  await agent.call('new:SharedArray:D29-0', 'fill', 1);
  await agent.end();
});

test('D30: a view that was made before close() works on, and close() is not refused because of it', async () => {
  const child = new Process({ target: useMemoryAfterClose });
  child.start();
  expect(await child.join()).toBe(0);
  const memory = SharedMemory.create({ size: 8 });
  memory.close();
  expect(() => memory.buffer).toThrow(ClosedError);
});

test('D31: a ShareableList keeps every byte, and leaves nothing when it cannot be made', () => {
  const items = [Buffer.from('a\0b\0\0'), 'trailing\0\0', 'ünï😀', ''];
  using list = new ShareableList(items);
  using again = ShareableList.open(list.name);
  expect([...again]).toEqual(items);
  const name = `D31-${process.pid}`;
  expect(() => new ShareableList([1, 2n ** 63n], { name })).toThrow(RangeError);
  expect(() => ShareableList.open(name)).toThrow(NotFoundError);
});

test('D32: no count is lost where several processes add to a Value', async () => {
  using value = new Value('i');
  const adders = [1, 2].map(() => startChild('add-often.mjs', { args: [value.handle, '100000'] }));
  for (const adder of adders) expect(await adder.exit).toMatchObject({ code: 0, stderr: '' });
  expect(value.value).toBe(200_000);
});

/**
 * A /dev/shm of 1 MiB that somebody else fills while it is in use; the long form is the part `space` of the torture tests.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { slowness } from '../support/slowness.js';
import { OwnSharedMemory } from '../support/worlds.js';
import { fillAndEmpty } from '../torture/space.part.mjs';

expectNoLeftovers();

const noSpace = {
  name: 'NoSpaceError',
  code: 'ERR_MULTIPROC_NO_SPACE',
  message: expect.stringMatching(/\d+ bytes asked, \d+ (bytes )?free/) as unknown,
};

/** Takes all the space there is, and gives it back. */
class Foreigner {
  readonly #file: string;

  constructor(memory: OwnSharedMemory) {
    this.#file = join(memory.folder, 'foreign');
  }

  takeAll(): void {
    for (let page = 0; ; page++) {
      try {
        writeFileSync(`${this.#file}-${page >> 8}`, Buffer.alloc(4096, 1), { flag: 'a' });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' });
        return;
      }
    }
  }

  giveBack(): void {
    for (const part of [0, 1]) rmSync(`${this.#file}-${part}`, { force: true });
  }
}

test('making objects gives NoSpaceError when the space is used up, and works again when there is room', async () => {
  await using memory = await OwnSharedMemory.mount('size=1m');
  const agent = new Agent({ within: memory.within });
  for (const name of ['one', 'two']) await agent.call(`new:Queue:${name}`, 'putSync', name);
  await expect(agent.call('new:Queue:three', 'qsize')).rejects.toMatchObject(noSpace);
  new Foreigner(memory).takeAll();
  for (const what of ['Lock:lock', 'JoinableQueue:', 'SharedArray:', 'Event:event']) {
    await expect(agent.get(`new:${what}`, 'closed')).rejects.toMatchObject(noSpace);
  }
  expect(await agent.call('new:Queue:one', 'getSync')).toBe('one');
  new Foreigner(memory).giveBack();
  await agent.call('new:Queue:two', 'close');
  expect(await agent.call('new:Queue:three', 'qsize')).toBe(0);
  expect(await agent.get('new:Lock:lock', 'closed')).toBe(false);
  await agent.end();
  expect(memory.files()).toEqual([]);
});

test('what was made works to its last page when there is no space left', async () => {
  await using memory = await OwnSharedMemory.mount('size=1m');
  const [one, other] = [new Agent({ within: memory.within }), new Agent({ within: memory.within })];
  const queue = await one.get<string>('new:Queue:queue', 'handle');
  const array = await one.get<string>('new:SharedArray:', 'handle');
  await one.get('new:Event:', 'closed');
  new Foreigner(memory).takeAll();

  await one.call(array, 'fill', 7);
  expect(await other.call(array, 'lastIndexOf', 7)).toBe(9_999);
  expect(await other.call(array, 'indexOf', 0)).toBe(-1);
  // Twice, so that every line of the ring has been written.
  const texts = Array.from({ length: 600 }, (_, index) => String(index).padEnd(1000, '.'));
  for (let round = 0; round < 2; round++) {
    await expect(one.call(queue, 'putManySync', texts, { timeout: 0 })).rejects.toMatchObject({ name: 'Full' });
    const size = await other.call<number>(queue, 'qsize');
    expect(size).toBeGreaterThan(200);
    expect(await other.call(queue, 'getManySync')).toEqual(texts.slice(0, size));
  }
  await Promise.all([one.end(), other.end()]);
});

test('a large message that finds no space is not put; one that is there is got, and later ones go again', async () => {
  await using memory = await OwnSharedMemory.mount('size=1m');
  const [one, other] = [new Agent({ within: memory.within }), new Agent({ within: memory.within })];
  const queue = await one.get<string>('new:Queue:queue', 'handle');
  const [first, second] = ['1', '2'].map((digit) => digit.repeat(150_000));
  await one.call(queue, 'putSync', first ?? '');
  const foreigner = new Foreigner(memory);
  foreigner.takeAll();
  const before = memory.files();
  await expect(one.call(queue, 'putSync', second ?? '')).rejects.toMatchObject(noSpace);
  await expect(one.call(queue, 'put', second ?? '')).rejects.toMatchObject(noSpace);
  expect(await other.call(queue, 'qsize')).toBe(1);
  expect(memory.files()).toEqual(before);
  // Getting takes no space.
  expect((await other.call(queue, 'getSync')) === first).toBe(true);
  foreigner.takeAll();
  await expect(one.call(queue, 'putSync', second ?? '')).rejects.toMatchObject(noSpace);
  foreigner.giveBack();
  await one.call(queue, 'putSync', second ?? '');
  expect((await other.call(queue, 'getSync')) === second).toBe(true);
  expect(memory.files()).toEqual(['queue']);
  await Promise.all([one.end(), other.end()]);
});

test('unlink() fails where a queue cannot get another name: without one its large messages would be taken for left-overs', async () => {
  // For the folder, the queue and its message.
  await using memory = await OwnSharedMemory.mount('size=1m,nr_inodes=3');
  const agent = new Agent({ within: memory.within });
  await agent.call('new:Queue:queue', 'putSync', 'x'.repeat(100_000));
  await expect(agent.call('new:Queue:queue', 'unlink')).rejects.toMatchObject({ name: 'NoSpaceError' });
  expect(memory.files()).toContain('queue');
  const next = new Agent({ within: memory.within });
  await next.get('new:Lock', 'closed').catch(() => undefined);
  expect(await agent.call('new:Queue:queue', 'getSync')).toBe('x'.repeat(100_000));
  expect(await agent.call('new:Queue:queue', 'unlink')).toBe(true);
  await Promise.all([agent.end(), next.end()]);
  expect(memory.files()).toEqual([]);
});

test('messages of all sizes arrive once while the space comes and goes', async () => {
  const { failures, figures } = await fillAndEmpty({ seconds: 2, seed: 4, watchdog: 120_000 * slowness });
  expect(failures).toEqual([]);
  expect(figures.refusals).toBeGreaterThan(0);
  expect(figures.messages).toBeGreaterThan(0);
});

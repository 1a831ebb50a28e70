/**
 * Messages that travel in a file of their own, when that file is not what was put: an error, once, and the queue goes on.
 */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { CorruptSegmentError, JoinableQueue, Queue } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const large = 'x'.repeat(100_000);

/** Path of the file of the one message that has one. */
function fileOf(queue: Queue): string {
  const uuid = queue.handle.split(':').at(-1) as string;
  const files = readdirSync('/dev/shm').filter((file) => file.includes(`.~${uuid}.`));
  expect(files).toHaveLength(1);
  return `/dev/shm/${files[0]}`;
}

const damages: Record<string, (path: string) => void> = {
  gone: rmSync,
  shorter: (path) => {
    truncateSync(path, 99_999);
  },
  longer: (path) => {
    truncateSync(path, 200_000);
  },
  empty: (path) => {
    truncateSync(path, 0);
  },
  'full of holes': (path) => {
    const { size } = lstatSync(path);
    truncateSync(path, 0);
    truncateSync(path, size);
  },
  'a link': (path) => {
    rmSync(path);
    symlinkSync('/dev/zero', path);
  },
  'a folder': (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  'a pipe': (path) => {
    rmSync(path);
    execFileSync('mkfifo', [path]);
  },
};

/** What is left under the name of a file is the damager's: folders are not removed by the library. */
function clear(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

describe.each(Object.entries(damages))('a message whose file is %s', (name, damage) => {
  // The file itself is as it should be; its bytes are not.
  const counted = name === 'full of holes' ? 0 : 1;

  test.each([
    ['get', (queue: Queue): unknown => queue.get()],
    ['getSync', (queue: Queue): unknown => queue.getSync()],
    ['getMany', (queue: Queue): unknown => queue.getMany()],
  ])('is an error of one %s(), and those behind it arrive', async (_form, get) => {
    using queue = new Queue({ capacity: 65_536 });
    queue.putManySync([large, 'next']);
    const path = fileOf(queue);
    damage(path);
    await expect(async () => get(queue)).rejects.toThrow(CorruptSegmentError);
    expect(queue.stats()).toMatchObject({ size: 1, damaged: counted });
    expect(queue.getNowait()).toBe('next');
    expect(queue.empty()).toBe(true);
    clear(path);
  });

  test('counts as done when it is taken', async () => {
    using queue = new JoinableQueue({ capacity: 65_536 });
    queue.putManySync([large, 'next']);
    const path = fileOf(queue);
    damage(path);
    expect(() => queue.takeSync()).toThrow(CorruptSegmentError);
    expect(queue.unfinished).toBe(1);
    queue.takeSync().done();
    await queue.join();
    clear(path);
  });
});

test('a damaged message in the middle of a batch is the next error, and neither side of it is lost', async () => {
  using queue = new Queue({ capacity: 65_536 });
  queue.putManySync(['before', large, 'behind']);
  rmSync(fileOf(queue));
  expect(await queue.getMany()).toEqual(['before']);
  await expect(queue.getMany()).rejects.toThrow(CorruptSegmentError);
  expect(await queue.getMany()).toEqual(['behind']);
  expect(queue.stats()).toMatchObject({ size: 0, damaged: 1 });
});

test('a raw message is dropped in the same way', () => {
  using queue = new Queue<Buffer>({ capacity: 65_536, codec: 'raw' });
  queue.putSync(Buffer.from(large));
  queue.putSync(Buffer.from('next'));
  truncateSync(fileOf(queue), 1);
  expect(() => queue.receiveSync()).toThrow(CorruptSegmentError);
  using message = queue.receiveSync();
  expect(message.bytes.toString()).toBe('next');
  expect(queue.stats().damaged).toBe(1);
});

test('of two that wait, one is told, and the other gets the next message', async () => {
  using queue = new Queue({ capacity: 65_536 });
  // A batch is waited for as a single message is.
  const waiting = [queue.get(), queue.getMany()];
  queue.putSync(large);
  rmSync(fileOf(queue));
  queue.putSync('next');
  await expect(waiting[0]).rejects.toThrow(CorruptSegmentError);
  expect(await waiting[1]).toEqual(['next']);
});

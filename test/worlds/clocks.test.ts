/**
 * Clocks that jump, and clocks that differ between processes: no wait asks the wall clock, and the monotonic one of a process is its own
 * business.
 */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Event, Queue } from 'multiproc';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';
import { clockAhead } from '../support/worlds.js';

expectNoLeftovers();

const DAY = 86_400;

test('every wait ends in time in a program whose wall clock does not answer', async () => {
  const child = startChild('without-wall-clock.mjs');
  const [full, empty, time] = ['ERR_MULTIPROC_FULL', 'ERR_MULTIPROC_EMPTY', 'ERR_MULTIPROC_TIMEOUT'];
  expect(await child.message()).toEqual({
    get: empty,
    getSync: empty,
    put: full,
    putSync: full,
    join: time,
    joinSync: time,
    acquire: false,
    acquireSync: false,
    semaphore: false,
    semaphoreSync: false,
    event: false,
    eventSync: false,
    condition: false,
    conditionSync: false,
    waitFor: false,
    waitForSync: false,
    barrier: 'ERR_MULTIPROC_BROKEN_BARRIER',
  });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});

test('no source of the library reads another clock than the monotonic one, but for the time of a log record', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const wallClock =
    /\b(?:CLOCK_(?!MONOTONIC(?:_COARSE)?\b)\w+|FUTEX_CLOCK_REALTIME|gettimeofday|system_clock|time\((?:NULL|nullptr|0)\)|Date\.now|new Date\(\)|timeOrigin)/;
  const sources = ['lib', 'native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:ts|cc|h)$/.test(file))
      .map((file) => join(folder, file)),
  );
  expect(sources).toContain('native/platform/clock.h');
  expect(wallClock.test('clock_gettime(CLOCK_REALTIME, &now)')).toBe(true);
  const readers = sources.filter((file) => wallClock.test(readFileSync(join(root, file), 'utf8')));
  expect(readers).toEqual(['lib/processes/logger.ts']);
});

test.each([
  ['ahead', { within: clockAhead(DAY) }, {}],
  ['behind', {}, { within: clockAhead(DAY) }],
])(
  'processes get all messages and wake each other where the monotonic clock of consumers is a day %s',
  async (_way, consumers, producers) => {
    using queue = new Queue({ maxsize: 50 });
    const gets = ['sync', 'sync', 'async'].map((way) =>
      startChild('consume.mjs', { args: [queue.handle, way], ...consumers }),
    );
    await until('all have it open', () => queue.stats().participants === gets.length + 1);
    const puts = ['0', '1'].map((producer) =>
      startChild('produce.mjs', { args: [queue.handle, producer, '500', 'sync'], ...producers }),
    );
    for (const { code, stderr } of await Promise.all(puts.map(({ exit }) => exit)))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    queue.shutdown();
    const seen = (await Promise.all(gets.map((each) => each.message()))) as Record<number, number[]>[];
    for (const producer of [0, 1]) {
      const sequences = seen.flatMap((each) => each[producer] ?? []).sort((a, b) => a - b);
      expect(sequences).toEqual(Array.from({ length: 500 }, (_, index) => index));
    }
    await Promise.all(gets.map(({ exit }) => exit));
  },
);

test('a timeout is measured by the clock of the process that waits', async () => {
  using event = new Event();
  const ahead = new Agent({ within: clockAhead(DAY) });
  expect(await ahead.call(event, 'waitSync', { timeout: 300 })).toBe(false);
  const waiting = ahead.call(event, 'waitSync');
  await until('it waits', () => event.stats().waiters === 1);
  event.set();
  expect(await waiting).toBe(true);
  await ahead.end();
});

test.each([
  ['a day ahead', BigInt(DAY) * 1_000_000_000n],
  ['a day behind', -BigInt(DAY) * 1_000_000_000n],
])('a watch that a consumer with its clock %s took along into its death silences nobody', async (_where, offset) => {
  const name = `watch-${process.pid}`;
  using queue = new Queue<number>({ name });
  const agent = new Agent();
  const file = openSync(`/dev/shm/multiproc.${process.geteuid?.() ?? 0}.${name}`, 'r+');
  const header = readFileSync(file);
  const watchedUntil = Number(header.readBigUInt64LE(40)) + 272;
  const word = Buffer.alloc(8);
  word.writeBigUInt64LE(BigInt.asUintN(64, process.hrtime.bigint() + offset));
  for (let round = 0; round < 10; round++) {
    const got = agent.call(queue, 'getSync');
    await until('it sleeps', () => queue.stats().waiters === 1);
    writeSync(file, word, 0, 8, watchedUntil);
    queue.putSync(round);
    // Whoever is woken is taken out of the waiters by the put itself.
    expect(queue.stats().waiters).toBe(0);
    expect(await got).toBe(round);
  }
  closeSync(file);
  await agent.end();
});

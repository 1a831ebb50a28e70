// @ts-check
// What this process has, and whether it came back to what it had.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { listSegments } from '../../../dist/cli/ls.js';

setFlagsFromString('--expose_gc');
const collect = /** @type {() => void} */ (runInNewContext('gc'));

/** Milliseconds after which what is still there is never going to go. */
const WATCHDOG = 20_000;

/** Bytes for each object that are no leak: half of the smallest record of anything, an index. */
const SLACK_PER_OBJECT = 4;

/** The allocator in one piece of memory, which can be told from the pages of the engine. */
export const environment = { MALLOC_ARENA_MAX: '1' };

/** What must be the same as before, to the last one. */
export function countResources() {
  const descriptors = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return 'of the listing itself';
    }
  });
  const mappings = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/dev/shm/'));
  /** @type {import('../../../lib/internal/native-facts.js').SegmentInfo[]} */
  const segments = JSON.parse(listSegments(true));
  const own = segments.filter(({ participants }) => participants.some(({ pid }) => pid === process.pid));
  return {
    descriptors: descriptors.length,
    'descriptors of shared memory': descriptors.filter((link) => link.startsWith('/dev/shm/')).length,
    mappings: mappings.length,
    'bytes mapped': mappings.reduce((sum, line) => {
      const [from = '', to = ''] = (line.split(' ')[0] ?? '').split('-');
      return sum + parseInt(to, 16) - parseInt(from, 16);
    }, 0),
    segments: own.length,
    'objects in segments': own.reduce((sum, { depth }) => sum + depth, 0),
    threads: readdirSync('/proc/self/task').length,
    'active handles': process.getActiveResourcesInfo().length,
  };
}

/** Bytes that the largest segment of small objects has more than the smallest. */
const LARGER_SEGMENT = 1024 * 1024;

/** @typedef {ReturnType<typeof countResources>} Resources */

/**
 * Collects until everything is as it was; what is not in time is named in the error.
 *
 * @param {string} what
 * @param {Resources} before
 */
export async function untilAsBefore(what, before) {
  const { 'bytes mapped': mapped, ...rest } = before;
  const wanted = JSON.stringify(rest);
  const deadline = performance.now() + WATCHDOG;
  for (;;) {
    collect();
    await setImmediate();
    const { 'bytes mapped': mappedNow, ...now } = countResources();
    // One segment for small objects is kept when it is empty: it may be a later and larger one than before.
    if (JSON.stringify(now) === wanted && mappedNow <= mapped + LARGER_SEGMENT) return;
    if (performance.now() > deadline) {
      throw new Error(
        `${what} leaks: before ${wanted} and ${mapped} bytes mapped, now ${JSON.stringify(now)} and ${mappedNow}`,
      );
    }
  }
}

/**
 * Memory that is in use, in bytes: of the engine, outside its heap but known to it, and of the allocator. Not the resident
 * set less the engine's heap: each page of that heap that is touched for the first time would look like a leak.
 */
export async function measureMemory() {
  // What a finalizer lets go of is collected the next time.
  for (let round = 0; round < 3; round++) {
    collect();
    await setImmediate();
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, external, arrayBuffers, allocated: allocatorBytes() };
}

/** Resident bytes of the allocator's one piece of memory. */
function allocatorBytes() {
  const smaps = readFileSync('/proc/self/smaps', 'utf8');
  const kibibytes = /\[heap\]\n(?:.*\n)*?Rss: +(\d+) kB/.exec(smaps)?.[1];
  if (kibibytes === undefined || process.env['MALLOC_ARENA_MAX'] !== environment.MALLOC_ARENA_MAX) {
    throw new Error("Cannot look for leaks: the allocator's memory is not in one piece");
  }
  return Number(kibibytes) * 1024;
}

/** @typedef {Awaited<ReturnType<typeof measureMemory>>} Memory */

/**
 * A leak grows in every part of the work; tables that double and code that is compiled do so in one of them. So of the parts
 * behind the first, the middle one counts.
 *
 * @param {string} what
 * @param {readonly Memory[]} memory after each part
 * @param {number} count objects of each part
 * @param {number} slack bytes that are no leak, however few the objects
 * @returns {number} the most bytes that anything grew by, in that part
 */
export function expectPlateau(what, memory, count, slack) {
  const names = /** @type {(keyof Memory)[]} */ (['heap', 'external', 'arrayBuffers', 'allocated']);
  const growth = names.map((name) => {
    const grown = memory.slice(1).map((after, part) => after[name] - Number(memory[part]?.[name]));
    const middle = Number(grown.sort((a, b) => a - b)[Math.floor(grown.length / 2)]);
    if (middle > slack + SLACK_PER_OBJECT * count) {
      throw new Error(`${what} leaks: ${name} grew by ${grown.join(', ')} bytes, each time over ${count} objects`);
    }
    return middle;
  });
  return Math.max(...growth);
}

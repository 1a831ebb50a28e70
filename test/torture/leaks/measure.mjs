// @ts-check
// Makes many objects of each kind in each way, and throws at the first leak.
import { endings } from './endings.mjs';
import { kinds } from './kinds.mjs';
import { countResources, expectPlateau, measureMemory, untilAsBefore } from './watch.mjs';
import { makeMany, prepareWays, ways } from './ways.mjs';

/** Bytes by which memory may grow in one part that the engine and the allocator keep for later: twice what was ever seen of few objects. */
const SLACK = 64 * 1024;

/** The same where threads come and go: each leaves some of its engine's memory to the allocator. */
const SLACK_OF_THREADS = 4 * 1024 * 1024;

/** The work on each kind, with a look at memory after each. */
const PARTS = 4;

/** Looks after which what still changes is never going to rest. */
const MOST_LOOKS = 30;

/**
 * @param {number} count objects of each kind that are made and closed; the other ways make a fixed part of it
 * @param {(text: string) => void} log
 */
export async function measureLeaks(count, log) {
  const figures = { objects: 0, endings: 0, mostGrowth: 0 };
  prepareWays();
  // The segment of small objects, the waiter thread, the code of all paths: made once, and kept.
  for (const make of Object.values(kinds)) {
    // What is forgotten now may be collected at any time later, and would spoil the first picture.
    for (const [way, { once }] of Object.entries(ways)) if (way !== 'forgotten') once(make);
  }
  for (const { once } of Object.values(endings)) await once();
  const before = await settled();
  // Later it is compared with this picture: what fills up at once, and then stays full, would not show.
  if (before['objects in segments'] > 0) {
    throw new Error(`Everything is closed, and there are ${before['objects in segments']} objects in segments`);
  }

  /** @param {string} what @param {number} slack @param {() => Promise<number>} work makes one part, gives how many that were */
  const watched = async (what, slack, work) => {
    const start = performance.now();
    const memory = [];
    let made = 0;
    for (let part = 0; part < PARTS; part++) {
      made += await work();
      await untilAsBefore(what, before);
      memory.push(await measureMemory());
    }
    const growth = expectPlateau(what, memory, made / PARTS, slack);
    figures.mostGrowth = Math.max(figures.mostGrowth, growth);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    log(`${what}: ${made} in ${seconds} s, memory grew by ${growth} bytes in a part of ${made / PARTS}`);
    return made;
  };
  /** @param {number} share */
  const partOf = (share) => Math.max(1, Math.ceil((count * share) / PARTS));

  /** @param {string} kind @param {(typeof kinds)[keyof typeof kinds]} make one part of the work on a kind */
  const workOn = async (kind, make) => {
    let made = 0;
    for (const [way, { share, once }] of Object.entries(ways)) {
      const what = `${kind}, ${way}`;
      const rest = way === 'forgotten' ? () => untilAsBefore(what, before) : async () => undefined;
      made += await makeMany(once, make, partOf(share), rest);
    }
    return made;
  };
  // What is done many times the engine compiles anew, with memory of the same allocator: that is not to be the first kind's growth.
  for (const [kind, make] of Object.entries(kinds).slice(0, 1))
    for (let n = 0; n < PARTS; n++) await workOn(kind, make);
  await untilAsBefore('the work itself', before);

  for (const [kind, make] of Object.entries(kinds)) {
    figures.objects += await watched(kind, SLACK, () => workOn(kind, make));
  }
  for (const [what, { share, once }] of Object.entries(endings)) {
    figures.endings += await watched(what, SLACK_OF_THREADS, async () => {
      for (let done = 0; done < partOf(share); done++) await once();
      return partOf(share);
    });
  }
  return figures;
}

/** What stays when nobody does anything any more: two looks in a row that agree. */
async function settled() {
  let before = '';
  for (let look = 0; look < MOST_LOOKS; look++) {
    await measureMemory();
    const resources = countResources();
    const now = JSON.stringify(resources);
    if (now === before) return resources;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`Looking leaks: it never comes to rest, at last with ${before}`);
}

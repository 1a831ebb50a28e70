// @ts-check
// Makes many objects of each kind in each way, and throws at the first leak.
import { endings } from './endings.mjs';
import { kinds } from './kinds.mjs';
import { countResources, expectPlateau, measureMemory, untilAsBefore } from './watch.mjs';
import { makeMany, prepareWays, ways } from './ways.mjs';

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

  /** @param {string} what @param {number} many @param {(count: number) => Promise<void>} work */
  const watched = async (what, many, work) => {
    const half = Math.max(1, Math.ceil(many / 2));
    await work(half);
    await untilAsBefore(what, before);
    const middle = await measureMemory();
    await work(half);
    await untilAsBefore(what, before);
    const growth = expectPlateau(what, middle, await measureMemory(), half);
    figures.mostGrowth = Math.max(figures.mostGrowth, growth);
    log(`${what}: ${2 * half}, grew by ${growth} bytes`);
    return 2 * half;
  };

  for (const [kind, make] of Object.entries(kinds)) {
    for (const [way, { share, once }] of Object.entries(ways)) {
      const what = `${kind}, ${way}`;
      const rest = way === 'forgotten' ? () => untilAsBefore(what, before) : async () => undefined;
      figures.objects += await watched(what, count * share, (half) => makeMany(once, make, half, rest));
    }
  }
  for (const [what, { share, once }] of Object.entries(endings)) {
    figures.endings += await watched(what, count * share, async (half) => {
      for (let done = 0; done < half; done++) await once();
    });
  }
  return figures;
}

/** What stays when nobody does anything any more: two looks in a row that agree. */
async function settled() {
  for (;;) {
    await measureMemory();
    const before = countResources();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await measureMemory();
    if (JSON.stringify(countResources()) === JSON.stringify(before)) return before;
  }
}

// @ts-check
// Many processes that put into and get from one queue.
import { Event, Queue } from 'multiproc';
import { start } from './processes.mjs';

/**
 * @param {{ processes: number, messages: number, watchdog: number }} crowd `messages`: that each of them puts
 */
export async function gather({ processes, messages, watchdog }) {
  const queue = new Queue({ capacity: 65_536 });
  const begin = new Event();
  /** @type {string[]} */
  const failures = [];
  /** @type {Promise<unknown>[]} */
  const readiness = [];
  /** @type {Promise<unknown>[]} */
  const puts = [];
  const members = Array.from({ length: processes }, (_, number) => {
    const args = [queue.handle, number, messages, begin.handle];
    const { child, ended } = start('join-crowd.mjs', args, { watchdog });
    const told = (/** @type {string} */ what) =>
      new Promise((resolve) => child.on('message', (message) => message === what && resolve(undefined)));
    readiness.push(Promise.race([told('ready'), ended]));
    puts.push(Promise.race([told('put'), ended]));
    return ended;
  });
  await Promise.all(readiness);
  const { participants } = queue.stats();
  begin.set();
  await Promise.all(puts);
  queue.shutdown();

  const times = new Uint8Array(processes * messages);
  let getters = 0;
  for (const { code, signal, message, stderr, stuck } of await Promise.all(members)) {
    if (code !== 0 || stderr !== '' || stuck !== null || !(message instanceof Uint32Array)) {
      failures.push(`a process ended with ${code ?? signal}: ${stuck ?? stderr}`);
      continue;
    }
    if (message.length > 0) getters += 1;
    for (const item of message) times[item] = Number(times[item]) + 1;
  }
  const lost = times.filter((count) => count === 0).length;
  const repeated = times.filter((count) => count > 1).length;
  if (lost + repeated > 0) failures.push(`${lost} messages lost, ${repeated} delivered more than once`);
  if (participants !== processes + 1) failures.push(`${participants} participants instead of ${processes + 1}`);
  queue.close();
  begin.close();
  return { failures, figures: { processes, messages: times.length, getters } };
}

/**
 * Fills the places of an object that `processes` processes and this one have open with threads of one more.
 *
 * @param {{ handle: string, watchdog: number }} object
 */
export async function fillPlaces({ handle, watchdog }) {
  const { code, message, stderr, stuck } = await start('join-in-threads.mjs', [handle], { watchdog }).ended;
  if (code !== 0 || stuck !== null) throw new Error(`a process ended with ${code}: ${stuck ?? stderr}`);
  return /** @type {{ joined: number, refusal: { name: string, code: string, message: string }, again: unknown }} */ (
    message
  );
}

/** Places that threads of another process hold: 250 threads in one reach the kernel's limit of 65,530 mappings in a process. */
const HELD = 128;

/**
 * Holds places of an object with threads of a process of its own; gives what ends them.
 *
 * @param {{ handle: string, watchdog: number }} object
 */
async function holdPlaces({ handle, watchdog }) {
  const { child, ended } = start('join-in-threads.mjs', [handle, HELD], { watchdog });
  const all = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (all !== 'all are here') throw new Error(`${HELD} places could not be held: ${JSON.stringify(await ended)}`);
  return async () => {
    child.send('leave');
    const { code, stderr, stuck } = await ended;
    if (code !== 0 || stuck !== null) throw new Error(`a process ended with ${code}: ${stuck ?? stderr}`);
  };
}

/** @type {import('./part.js').Part} */
export const part = {
  name: 'crowd',
  summary: '200 processes put into and get from one queue; threads up to the limit of 256, and beyond',
  async run({ minutes, log }) {
    const watchdog = minutes * 60_000 + 10 * 60_000;
    const { failures, figures } = await gather({ processes: 200, messages: 500, watchdog });
    log(`${figures.messages} messages through ${figures.processes} processes`);
    const queue = new Queue();
    const release = await holdPlaces({ handle: queue.handle, watchdog });
    const filled = await fillPlaces({ handle: queue.handle, watchdog });
    await release();
    queue.close();
    const { refusal, again } = filled;
    const joined = HELD + filled.joined;
    if (joined !== 255 || refusal.code !== 'ERR_MULTIPROC_LIMIT' || again !== 'joined') {
      failures.push(`${joined} threads joined, the next got ${refusal.code}, after one had left ${String(again)}`);
    }
    for (const failure of failures) log(failure);
    return { ok: failures.length === 0, figures: { ...figures, joined, failures: failures.length } };
  },
};

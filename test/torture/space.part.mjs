// @ts-check
// Messages of all sizes while somebody else fills /dev/shm and empties it again.
import { start } from './processes.mjs';

/** A /dev/shm of 1 MiB of its own; as in test/support/worlds.ts. */
const within = [
  'unshare',
  ...(process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--mount', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"', 'sh'],
];

/** @param {{ seconds: number, seed: number, watchdog: number }} filling */
export async function fillAndEmpty({ seconds, seed, watchdog }) {
  const { ended } = start('fill-and-empty.mjs', [seconds, seed], { watchdog, within });
  const { code, signal, message, stderr, stuck } = await ended;
  const failed = code !== 0 || stderr !== '' || stuck !== null;
  const failures = failed ? [`the process ended with ${code ?? signal}: ${stuck ?? stderr}`] : [];
  return { failures, figures: /** @type {{ messages: number, refusals: number }} */ (message ?? {}) };
}

/** @type {import('./part.js').Part} */
export const part = {
  name: 'space',
  summary: 'messages of all sizes while /dev/shm is filled and emptied',
  async run({ minutes, seed, log }) {
    const { failures, figures } = await fillAndEmpty({ seconds: 60 * minutes, seed, watchdog: 60_000 * (minutes + 5) });
    for (const failure of failures) log(failure);
    return { ok: failures.length === 0, figures: { ...figures, failures: failures.length } };
  },
};

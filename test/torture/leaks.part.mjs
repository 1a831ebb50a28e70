// @ts-check
// Many objects of each kind, made and closed in every way, in a process whose memory is watched.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { environment } from './leaks/watch.mjs';

const COUNT = 100_000;

/** Milliseconds without progress after which the process hangs. */
const WATCHDOG = 15 * 60_000;

/** @type {import('./part.js').Part} */
export const part = {
  name: 'leaks',
  summary: `${COUNT} objects of each kind are made and let go of: memory, descriptors, mappings and segments stay as they were`,
  async run({ log }) {
    const fixture = fileURLToPath(new URL('../fixtures/leaks.mjs', import.meta.url));
    const child = fork(fixture, [String(COUNT)], { execArgv: [], env: { ...process.env, ...environment } });
    let last = 'nothing';
    /** @type {Record<string, unknown> | undefined} */
    let figures;
    const watchdog = setTimeout(() => {
      log(`no progress for ${WATCHDOG} ms after: ${last}`);
      child.kill('SIGKILL');
    }, WATCHDOG);
    child.on('message', (/** @type {any} */ message) => {
      watchdog.refresh();
      figures ??= message.figures;
      if (message.progress === undefined) return;
      last = message.progress;
      log(last);
    });
    const [code] = await once(child, 'close');
    clearTimeout(watchdog);
    // What the last killed process left goes at the next start of a program, which may be long after this.
    execFileSync(process.execPath, [fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)), 'gc']);
    return { ok: code === 0 && figures !== undefined, figures: figures ?? { last } };
  },
};

// @ts-check
// The end of a soak: everything is drained, all actors end, and nothing stays.

import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Guarded, Head } from './ledger.mjs';
import { Locks } from './locker.mjs';
import { hold } from './rules.mjs';

const tool = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const PATIENCE = 60_000;

/** Files of shared memory that this process has open: all that the run uses, but for spilled messages. */
export function ownFiles() {
  const files = new Set();
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      const link = readlinkSync(`/proc/self/fd/${descriptor}`);
      if (link.startsWith('/dev/shm/multiproc.'))
        files.add(link.slice('/dev/shm/'.length).replace(/ \(deleted\)$/, ''));
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return [...files];
}

/** @param {import('./supervisor.mjs').Supervisor} supervisor @param {readonly string[]} files */
export async function endOf(supervisor, files) {
  const { ledger, objects, rules, seats, watchdog } = supervisor;
  for (const seat of seats.filter(({ stopped }) => stopped)) {
    watchdog.ended(seat);
    seat.signal('SIGCONT');
  }
  await watchdog.until('the killed are buried', () => supervisor.dying === 0);
  Atomics.store(ledger.head, Head.stop, 1);
  await watchdog.until('producers and lockers end', () =>
    seats.every(({ role, occupied }) => role === 'consumer' || !occupied),
  );
  await objects.tasks.join({ timeout: PATIENCE });
  hold(objects.tasks.unfinished === 0, `${objects.tasks.unfinished} tasks are unfinished after join()`);
  const queues = [objects.plain, objects.raw, objects.tasks];
  for (const queue of queues) queue.shutdown();
  await watchdog.until('consumers end', () => seats.every(({ occupied }) => !occupied));
  for (const queue of queues)
    hold(queue.qsize() === 0 && queue.empty(), `${String(queue)} is not empty after it was drained`);
  checkLocks(supervisor);
  rules.check(0, true);
  rules.checkEmptyMessages();
  watchdog.checkResources();
  supervisor.spills = queues.reduce((sum, queue) => sum + queue.stats().spills, 0);
  const uuids = queues.map(({ handle }) => handle);
  for (const object of [...Object.values(objects), ledger.memory]) object.close();
  checkNothingStays(files, uuids);
}

/** The last owner of each lock may have been killed: then it is the supervisor who is told. @param {import('./supervisor.mjs').Supervisor} supervisor */
function checkLocks({ ledger, objects }) {
  const locks = { [Locks.lock]: objects.lock, [Locks.rlock]: objects.rlock, [Locks.condition]: objects.conditionLock };
  for (const [object, lock] of Object.entries(locks)) {
    const guarded = /** @type {Int32Array} */ (ledger.locks[Number(object)]);
    hold(lock.acquireSync({ timeout: PATIENCE }), `lock ${object} is held after all have ended`);
    const inside = guarded[Guarded.inside] ?? 0;
    hold(inside === 0 || lock.ownerDied, `nobody is told that ${inside} died in lock ${object}`);
    if (lock.ownerDied) Atomics.add(guarded, Guarded.told, 1);
    lock.release();
  }
}

/** @param {readonly string[]} files @param {readonly string[]} handles */
function checkNothingStays(files, handles) {
  const { status, stderr } = spawnSync(process.execPath, [tool, 'gc'], { encoding: 'utf8' });
  hold(status === 0, `multiproc gc failed: ${stderr}`);
  const uuids = handles.map((handle) => handle.match(/[0-9a-f]{16}/g) ?? []).flat();
  const left = readdirSync('/dev/shm').filter(
    (name) => files.includes(name) || uuids.some((uuid) => name.includes(uuid)),
  );
  hold(left.length === 0, `left in /dev/shm: ${left.join(', ')}`);
}

// @ts-check
// What must hold after a victim's death, as seen by a process that lives: nothing lost, nothing twice, everything usable.

import { BrokenBarrierError, Empty } from 'multiproc';
import { isShutDown, inside, markRaw, PATIENCE, putOne, read } from './operations.mjs';

/** @typedef {import('./operations.mjs').Stage} Stage */
/** @typedef {import('./operations.mjs').Operation} Operation */

/** @param {boolean} holds @param {string} what */
function check(holds, what) {
  if (!holds) throw new Error(what);
}

/**
 * Takes what is there, also what comes back from the hand of the dead.
 *
 * @param {any} queue
 * @returns {number[]} the numbers of the messages
 */
function drain(queue, counted = false) {
  /** @type {number[]} */
  const found = [];
  try {
    for (;;) {
      if (queue.qsize() === 0 && queue.stats().busyPids.length === 0) return found;
      try {
        if (counted) {
          const job = queue.takeSync({ timeout: 300 });
          found.push(read(job.value).id);
          job.done();
        } else {
          found.push(read(queue.getSync({ timeout: 300 })).id);
        }
      } catch (error) {
        // That was a slice, after which the dead are looked for.
        if (!(error instanceof Empty)) throw error;
      }
    }
  } catch (error) {
    if (!isShutDown(error)) throw error;
    return found;
  }
}

/** @param {Operation} operation @param {Stage} stage @param {boolean} killed */
function checkQueue(operation, stage, killed) {
  const { queue } = stage.things;
  const { inHand = 0, unmarked = 0, dropped = false } = operation;
  const found = drain(queue, operation.on === 'jobs');
  const problems = stage.ledger.problems(found, { inHand, dropped });
  check(problems.length === 0, problems.join('; '));
  for (const id of found) stage.ledger.saw(id);
  // What comes back from the hand of the dead may come behind what was put after it, and nothing else.
  const mayBeLate = killed ? inHand : 0;
  check(stage.ledger.late <= mayBeLate, `${stage.ledger.late} messages came behind a younger one of their producer`);
  let usable = true;
  try {
    putOne(stage);
  } catch (error) {
    check(operation.ends === true && isShutDown(error), `put after the death: ${String(error)}`);
    usable = false;
  }
  if (usable) {
    check(drain(queue, operation.on === 'jobs').length === 1, 'the queue cannot be used any more');
    // Only now: what the dead one had freed is counted as free from the next get on.
    check(queue.stats().bytesUsed === 0, `${queue.stats().bytesUsed} bytes stay in use`);
  }
  if (operation.on !== 'jobs') return;
  check(queue.unfinished <= unmarked, `${queue.unfinished} tasks stay unfinished`);
  if (queue.unfinished === 1) queue.taskDone();
  queue.joinSync(PATIENCE);
}

/** @param {Stage} stage @param {boolean} killed */
function checkLock(stage, killed) {
  const { ledger } = stage;
  const { lock } = stage.things;
  const owned = killed && ledger.owned;
  for (let round = 0; round < 2; round++) {
    check(lock.acquireSync(PATIENCE), 'the lock is not handed on');
    inside(stage, lock.ownerDied);
    lock.release();
  }
  check(ledger.clashes === 0, `${ledger.clashes} times two were inside`);
  // In the middle of an acquire or a release it may have owned the lock or not.
  const { told } = ledger;
  check(
    owned ? told === 1 : told <= (killed ? 1 : 0),
    `the owner ${owned ? 'died' : 'may have died'}, told ${told} times`,
  );
  const { ownerDeaths } = lock.stats();
  check(told === ownerDeaths, `${ownerDeaths} deaths of owners were told ${told} times`);
}

/** @param {Stage} stage */
function checkSemaphore({ things }) {
  const value = things['semaphore'].getValue();
  check(
    value === 4 || value === 3,
    `the semaphore has ${value} permits instead of 4, or 3 if one died with the victim`,
  );
}

/** @type {Record<Operation['on'], (operation: Operation, stage: Stage, killed: boolean) => void | Promise<void>>} */
const checks = {
  queue: checkQueue,
  jobs: checkQueue,
  passing: checkQueue,
  raw(operation, stage, killed) {
    markRaw(stage.things['queue']);
    checkQueue(operation, stage, killed);
  },
  lock: (_, stage, killed) => checkLock(stage, killed),
  rlock: (_, stage, killed) => checkLock(stage, killed),
  semaphore: (_, stage) => checkSemaphore(stage),
  bounded: (_, stage) => checkSemaphore(stage),
  async condition(_, { things }) {
    const { condition } = things;
    check(await condition.acquire(PATIENCE), 'the lock of the condition is not handed on');
    const waited = condition.wait(PATIENCE);
    check(await condition.acquire(PATIENCE), 'a waiter does not give the lock up');
    condition.notifyAll();
    condition.release();
    check(await waited, 'a notification does not arrive');
    condition.release();
  },
  async event(_, { things }) {
    const { event } = things;
    event.clear();
    const waited = event.wait(PATIENCE);
    event.set();
    check(await waited, 'the event does not wake');
  },
  async barrier(_, { things }) {
    const { barrier } = things;
    barrier.reset();
    try {
      await Promise.all([barrier.wait(PATIENCE), barrier.wait(PATIENCE)]);
    } catch (error) {
      // The dead party is found by whoever waits: that round is broken, and reset() is for the next.
      check(error instanceof BrokenBarrierError, String(error));
      barrier.reset();
      await Promise.all([barrier.wait(PATIENCE), barrier.wait(PATIENCE)]);
    }
  },
  value(_, { things, ledger }) {
    const { value } = things;
    const rounds = [0, 1, 2].reduce((sum, i) => sum + ledger.rounds(i), 0);
    check(value.value === rounds || value.value === rounds + 1, `${rounds} updates, or one more, made ${value.value}`);
    const before = value.value;
    check(value.updateSync((/** @type {number} */ v) => v + 1, PATIENCE) === before + 1, 'the value cannot be updated');
  },
  nothing: () => undefined,
};

/** @param {Operation} operation @param {Stage} stage @param {boolean} killed the victim was; otherwise it survived */
export async function checkAftermath(operation, stage, killed) {
  await checks[operation.on](operation, stage, killed);
}

// @ts-check
// Takes locks in every way. What a lock guards is written without atomics, so whoever comes in beside an owner leaves a trace.

import { BrokenBarrierError } from 'multiproc';
import { Doing, Guarded, Head, Row, SEMAPHORE } from './ledger.mjs';
import { PARTIES } from './plan.mjs';
import { pick } from './random.mjs';

/** Numbers of the locks in the ledger. */
export const Locks = { lock: 0, rlock: 1, condition: 2 };
/** Milliseconds that a wait for something that need not come lasts at most: two slices and a part of one. */
const LONGEST_WAIT = 600;

/**
 * How long to wait for what need not come: drawn, so that some waits end before the first look at the dead, some beside it and some behind it, and most
 * of them soon.
 *
 * @param {import('./actor.mjs').Actor} actor
 */
function drawWait({ random }) {
  return { timeout: LONGEST_WAIT * random() ** 3 };
}

/** @param {import('./actor.mjs').Actor} actor */
export async function useLocks(actor) {
  const uses = [useLock, useLock, useRLock, useRLock, useCondition, useSemaphore, useBarrier, useMemory];
  while (!actor.over) {
    await pick(actor.random, uses)(actor);
    Atomics.store(actor.row, Row.doing, Doing.idle);
    actor.beat();
    actor.pace();
  }
}

/** @param {import('./actor.mjs').Actor} actor @param {number} object */
function ask({ row }, object) {
  Atomics.store(row, Row.object, object);
  Atomics.store(row, Row.doing, Doing.asking);
}

/** What an owner does first. @param {import('./actor.mjs').Actor} actor @param {number} object @param {boolean} ownerDied */
function enter(actor, object, ownerDied) {
  const { ledger, incarnation, row } = actor;
  const guarded = /** @type {Int32Array} */ (ledger.locks[object]);
  const before = guarded[Guarded.inside] ?? 0;
  if (before !== 0 && !ledger.fates[before]) actor.fail(`came into lock ${object} beside ${before}, which lives`);
  if (before !== 0 && !ownerDied) actor.fail(`was not told that ${before} died in lock ${object}`);
  if (before === 0 && guarded[Guarded.first] !== guarded[Guarded.second]) actor.fail(`lock ${object} guards halves`);
  guarded[Guarded.inside] = incarnation;
  Atomics.store(row, Row.doing, Doing.inside);
  if (ownerDied) Atomics.add(guarded, Guarded.told, 1);
  if (ownerDied && before === 0) Atomics.add(guarded, Guarded.toldOfNobody, 1);
  guarded[Guarded.second] = guarded[Guarded.first] ?? 0;
  guarded[Guarded.first] = (guarded[Guarded.first] ?? 0) + 1;
}

/** What it does last. @param {import('./actor.mjs').Actor} actor @param {number} object */
function leave(actor, object) {
  const { ledger, incarnation, row } = actor;
  const guarded = /** @type {Int32Array} */ (ledger.locks[object]);
  guarded[Guarded.second] = (guarded[Guarded.second] ?? 0) + 1;
  if (guarded[Guarded.inside] !== incarnation)
    actor.fail(`${guarded[Guarded.inside]} came into lock ${object} meanwhile`);
  if (guarded[Guarded.first] !== guarded[Guarded.second])
    actor.fail(`lock ${object} let somebody change what it guards`);
  Atomics.add(guarded, Guarded.entries, 1);
  Atomics.store(row, Row.doing, Doing.leaving);
  guarded[Guarded.inside] = 0;
}

/** @param {import('./actor.mjs').Actor} actor */
async function useLock(actor) {
  const { lock } = actor.objects;
  await own(
    actor,
    lock,
    Locks.lock,
    pick(actor.random, ['acquireSync', 'acquire', 'hold', 'holdSync', 'run', 'runSync']),
  );
}

/** @param {import('./actor.mjs').Actor} actor */
async function useRLock(actor) {
  const { rlock } = actor.objects;
  if (actor.random() < 0.5)
    return own(actor, rlock, Locks.rlock, pick(actor.random, ['acquireSync', 'acquire', 'hold', 'run']));
  ask(actor, Locks.rlock);
  rlock.acquireSync();
  enter(actor, Locks.rlock, rlock.ownerDied);
  rlock.acquireSync();
  actor.pace();
  rlock.release();
  leave(actor, Locks.rlock);
  rlock.release();
}

/** @param {import('./actor.mjs').Actor} actor @param {import('multiproc').Lock | import('multiproc').RLock} lock @param {number} object @param {string} form */
async function own(actor, lock, object, form) {
  const work = (/** @type {boolean} */ ownerDied) => {
    enter(actor, object, ownerDied);
    actor.pace();
    leave(actor, object);
  };
  ask(actor, object);
  if (form === 'run') return lock.run((hold) => work(hold.ownerDied));
  if (form === 'runSync') return lock.runSync((hold) => work(hold.ownerDied));
  if (form === 'hold' || form === 'holdSync') {
    const hold = form === 'hold' ? await lock.hold() : lock.holdSync();
    work(hold.ownerDied);
    return hold.release();
  }
  if (!(form === 'acquire' ? await lock.acquire() : lock.acquireSync())) actor.fail('an endless wait for a lock ended');
  work(lock.ownerDied);
  lock.release();
}

/** Gives up the lock in the middle, and has it again afterwards. @param {import('./actor.mjs').Actor} actor */
async function useCondition(actor) {
  const { condition, conditionLock } = actor.objects;
  ask(actor, Locks.condition);
  condition.acquireSync();
  enter(actor, Locks.condition, conditionLock.ownerDied);
  leave(actor, Locks.condition);
  if (actor.random() < 0.5) {
    condition.notify(1 + Math.floor(actor.random() * 3));
  } else {
    const wait = drawWait(actor);
    const woken = actor.random() < 0.5 ? condition.waitSync(wait) : await condition.wait(wait);
    if (woken) Atomics.add(actor.ledger.head, Head.conditionWakes, 1);
    enter(actor, Locks.condition, conditionLock.ownerDied);
    leave(actor, Locks.condition);
  }
  condition.release();
}

/** @param {import('./actor.mjs').Actor} actor */
async function useSemaphore(actor) {
  const { semaphore } = actor.objects;
  ask(actor, SEMAPHORE);
  const wait = drawWait(actor);
  const taken = actor.random() < 0.5 ? semaphore.acquireSync(wait) : await semaphore.acquire(wait);
  if (!taken) return;
  Atomics.store(actor.row, Row.doing, Doing.inside);
  Atomics.add(actor.ledger.head, Head.semaphoreUses, 1);
  actor.pace();
  Atomics.store(actor.row, Row.doing, Doing.leaving);
  semaphore.release();
}

/** @param {import('./actor.mjs').Actor} actor */
async function useBarrier(actor) {
  const { barrier } = actor.objects;
  try {
    const wait = drawWait(actor);
    const index = actor.random() < 0.5 ? barrier.waitSync(wait) : await barrier.wait(wait);
    if (!(index >= 0 && index < PARTIES)) actor.fail(`barrier.wait() gave ${index}`);
    Atomics.add(actor.ledger.head, Head.barrierPasses, 1);
  } catch (error) {
    if (!(error instanceof BrokenBarrierError)) throw error;
    barrier.reset();
  }
}

/** @param {import('./actor.mjs').Actor} actor */
async function useMemory({ objects: { value, cells }, ledger: { head }, random }) {
  Atomics.add(head, Head.updatesBegun, 1);
  if (random() < 0.5) value.updateSync((old) => old + 1n);
  else await value.update((old) => old + 1n);
  Atomics.add(head, Head.updatesEnded, 1);
  Atomics.add(head, Head.cellsBegun, 1);
  Atomics.add(cells, Math.floor(random() * cells.length), 1);
  Atomics.add(head, Head.cellsEnded, 1);
}

// @ts-check
// Gets messages and checks each: whole, put by somebody, not seen before unless whoever had it was killed, in its producer's order.

import { ShutDownError } from 'multiproc';
import { Doing, Empty, Flow, Mark, Row } from './ledger.mjs';
import { Queues } from './plan.mjs';
import { HEADER } from './producer.mjs';
import { pick } from './random.mjs';

/** @param {import('./actor.mjs').Actor} actor @param {number} queue until it is shut down and empty */
export async function consume(actor, queue) {
  const inbox = new Inbox(actor, queue);
  const receive = { [Queues.plain]: getPlain, [Queues.raw]: receiveRaw, [Queues.tasks]: takeTask }[queue];
  try {
    for (;;) {
      actor.endIfAbandoned();
      await /** @type {typeof getPlain} */ (receive)(actor, inbox);
    }
  } catch (error) {
    if (!(error instanceof ShutDownError)) throw error;
    inbox.idle();
  }
}

class Inbox {
  /** @param {import('./actor.mjs').Actor} actor @param {number} queue */
  constructor(actor, queue) {
    this.actor = actor;
    this.row = actor.row;
    this.flow = /** @type {Int32Array} */ (actor.ledger.flows[queue]);
    this.marks = /** @type {Uint8Array} */ (actor.ledger.marks[queue]);
    this.holders = /** @type {Int32Array} */ (actor.ledger.holders[queue]);
    this.handed = /** @type {Uint8Array} */ (actor.ledger.handed[queue]);
    /** The last sequence number of each producer. @type {Map<number, number>} */
    this.last = new Map();
    Atomics.store(this.row, Row.object, queue);
  }

  /** @param {number} batch how many messages a kill may take along from here on */
  asking(batch) {
    Atomics.store(this.row, Row.batch, batch);
    Atomics.store(this.row, Row.doing, Doing.asking);
  }

  idle() {
    Atomics.store(this.row, Row.doing, Doing.idle);
    this.actor.beat();
  }

  /** @param {import('./producer.mjs').Letter} letter */
  checkWhole({ number, body }) {
    const { actor } = this;
    if (!((this.marks[number] ?? 0) & Mark.begun)) actor.fail(`message ${number} was never put`);
    if (!actor.ledger.body(number, body.length).equals(body)) actor.fail(`message ${number} arrived changed`);
  }

  /** Older than one that this consumer had before: somebody else must have had it, and been killed. @param {import('./producer.mjs').Letter} letter */
  checkOrder({ incarnation, sequence }, known = false) {
    const last = this.last.get(incarnation) ?? 0;
    if (sequence > last) this.last.set(incarnation, sequence);
    else if (!known) Atomics.add(this.flow, Flow.late, 1);
  }

  /** Got by get(): it is consumed already. @param {import('./producer.mjs').Letter} letter */
  got(letter) {
    this.checkWhole(letter);
    const before = Atomics.or(this.marks, letter.number, Mark.ending | Mark.ended);
    if (before & Mark.ended) this.actor.fail(`message ${letter.number} was delivered twice`);
    Atomics.add(this.flow, Flow.received, 1);
    Atomics.add(this.flow, Flow.bytes, letter.body.length >> 10);
    this.checkOrder(letter);
    this.actor.beat();
  }

  /** Handed out, and still in the queue. @param {import('./producer.mjs').Letter} letter @returns {number} how often it was before */
  hold(letter) {
    const { number } = letter;
    this.checkWhole(letter);
    const mark = Atomics.load(this.marks, number);
    if (mark & Mark.ended) this.actor.fail(`message ${number} was handed out after it was consumed`);
    const { incarnation, ledger } = this.actor;
    const holder = Atomics.exchange(this.holders, number, incarnation);
    if (holder !== 0 && !ledger.fates[holder]) {
      this.actor.fail(`message ${number} was handed out while ${holder}, which lives, had it`);
    }
    // Whoever was about to consume it did not.
    Atomics.and(this.marks, number, ~Mark.ending);
    const before = Atomics.add(this.handed, number, 1);
    if (before > 0) Atomics.add(this.flow, Flow.redelivered, 1);
    this.checkOrder(letter, before > 0);
    Atomics.store(this.row, Row.doing, Doing.inside);
    return before;
  }

  /** @param {number} number @param {() => void} operation consumes the message */
  end(number, operation) {
    Atomics.or(this.marks, number, Mark.ending);
    operation();
    Atomics.or(this.marks, number, Mark.ended);
    Atomics.add(this.flow, Flow.received, 1);
    this.idle();
  }
}

/** @param {import('./actor.mjs').Actor} actor @param {Inbox} inbox */
async function getPlain({ objects, random, pace }, inbox) {
  const queue = /** @type {import('multiproc').Queue<import('./producer.mjs').Letter>} */ (objects.plain);
  const form = pick(random, ['getSync', 'get', 'getMany', 'iteration']);
  if (form === 'iteration') return iterate(queue, inbox, 1 + Math.floor(random() * 8));
  const batch = form === 'getMany' ? 1 + Math.floor(random() * 8) : 1;
  inbox.asking(batch);
  if (form === 'getSync') inbox.got(queue.getSync());
  else if (form === 'get') inbox.got(await queue.get());
  else for (const letter of await queue.getMany(batch)) inbox.got(letter);
  inbox.idle();
  pace();
}

/** @param {import('multiproc').Queue<import('./producer.mjs').Letter>} queue @param {Inbox} inbox @param {number} count */
async function iterate(queue, inbox, count) {
  let left = count;
  inbox.asking(1);
  for await (const letter of queue) {
    inbox.got(letter);
    left -= 1;
    if (left === 0) return inbox.idle();
  }
  throw new ShutDownError('the iteration ended');
}

/** @param {import('./actor.mjs').Actor} actor @param {Inbox} inbox */
async function receiveRaw({ objects: { raw }, random, pace }, inbox) {
  inbox.asking(1);
  const message = random() < 0.5 ? raw.receiveSync() : await raw.receive();
  const { bytes } = message;
  if (bytes.length === 0) {
    Atomics.add(inbox.flow, Empty.ending, 1);
    message.release();
    Atomics.add(inbox.flow, Empty.ended, 1);
    return inbox.idle();
  }
  if (bytes.readUInt32LE(12) !== bytes.length - HEADER)
    inbox.actor.fail(`a message of ${bytes.length} bytes says another size`);
  const [number, incarnation, sequence] = [0, 4, 8].map((at) => bytes.readUInt32LE(at));
  const letter = /** @type {import('./producer.mjs').Letter} */ ({
    number,
    incarnation,
    sequence,
    body: bytes.subarray(HEADER),
  });
  inbox.hold(letter);
  pace();
  inbox.end(letter.number, () => message.release());
}

/** @param {import('./actor.mjs').Actor} actor @param {Inbox} inbox */
async function takeTask({ objects, random, pace, fail }, inbox) {
  const queue = /** @type {import('multiproc').JoinableQueue<import('./producer.mjs').Letter>} */ (objects.tasks);
  inbox.asking(1);
  const job = random() < 0.5 ? queue.takeSync() : await queue.take();
  const { number } = job.value;
  const before = inbox.hold(job.value);
  if (job.attempts <= before)
    fail(`task ${number} says attempt ${job.attempts}, but was handed out ${before} times before`);
  pace();
  if (random() < 0.05) {
    Atomics.store(inbox.holders, number, 0);
    job.requeue();
    return inbox.idle();
  }
  inbox.end(number, () => job.done());
}

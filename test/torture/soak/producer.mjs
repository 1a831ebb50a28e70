// @ts-check
// Puts messages that tell who they are, each written down before and after.

import { Empty, Doing, Flow, LARGEST, Mark, Row } from './ledger.mjs';
import { Queues } from './plan.mjs';
import { pick } from './random.mjs';

/** Bytes before the body of a raw message: number, incarnation, sequence, size. */
export const HEADER = 16;
const LONGEST_RESERVATION = 128 * 1024;

/** Mostly small, at times 8 MiB. @param {import('./random.mjs').Random} random */
function sizeOf(random) {
  const kind = random();
  if (kind < 0.1) return 0;
  if (kind < 0.8) return Math.floor(random() * 512);
  if (kind < 0.97) return Math.floor(random() * 16_384);
  if (kind < 0.995) return Math.floor(random() * 512 * 1024);
  return kind < 0.998 ? Math.floor(random() * LARGEST) : LARGEST;
}

/** @param {import('./actor.mjs').Actor} actor @param {number} queue */
export async function produce(actor, queue) {
  const { ledger, random, row } = actor;
  const marks = /** @type {Uint8Array} */ (ledger.marks[queue]);
  const flow = /** @type {Int32Array} */ (ledger.flows[queue]);
  let sequence = 0;
  Atomics.store(row, Row.object, queue);
  const begin = () => {
    const number = Atomics.add(flow, Flow.next, 1);
    if (number >= ledger.capacity) throw new Error(`the ledger is full: ${number} messages`);
    Atomics.or(marks, number, Mark.begun);
    sequence += 1;
    return { number, sequence, incarnation: actor.incarnation, body: ledger.body(number, sizeOf(random)) };
  };
  const returned = (/** @type {{ number: number }} */ { number }) => Atomics.or(marks, number, Mark.returned);
  while (!actor.over) {
    Atomics.store(row, Row.doing, Doing.asking);
    if (queue === Queues.raw) await putRaw(actor, begin, returned, flow);
    else await putValue(actor, queue, begin, returned);
    Atomics.store(row, Row.doing, Doing.idle);
    actor.beat();
    actor.pace();
  }
}

/** @typedef {{ number: number, sequence: number, incarnation: number, body: Buffer }} Letter */

/** @param {import('./actor.mjs').Actor} actor @param {number} queue @param {() => Letter} begin @param {(letter: Letter) => void} returned */
async function putValue({ objects, random }, queue, begin, returned) {
  const to = queue === Queues.plain ? objects.plain : objects.tasks;
  const form = pick(random, ['putSync', 'put', 'putMany', 'putManySync']);
  const letters = Array.from({ length: form.startsWith('putMany') ? 1 + Math.floor(random() * 6) : 1 }, begin);
  const [first] = letters;
  if (form === 'putSync') to.putSync(first);
  else if (form === 'put') await to.put(first);
  else if (form === 'putMany') await to.putMany(letters);
  else to.putManySync(letters);
  letters.forEach(returned);
}

/** @param {import('./actor.mjs').Actor} actor @param {() => Letter} begin @param {(letter: Letter) => void} returned @param {Int32Array} flow */
async function putRaw({ objects: { raw }, random }, begin, returned, flow) {
  if (random() < 0.05) {
    Atomics.add(flow, Empty.begun, 1);
    raw.putSync(Buffer.alloc(0));
    Atomics.add(flow, Empty.returned, 1);
    return;
  }
  const letter = begin();
  const length = HEADER + letter.body.length;
  if (length <= LONGEST_RESERVATION && random() < 0.6) {
    // More than is needed at times: commit() gives the rest back.
    const room = length + (random() < 0.5 ? 0 : Math.floor(random() * 1000));
    const slot = random() < 0.5 ? raw.reserveSync(room) : await raw.reserve(room);
    write(letter, slot.bytes);
    slot.commit(length);
  } else {
    const bytes = Buffer.allocUnsafe(length);
    write(letter, bytes);
    if (random() < 0.5) raw.putSync(bytes);
    else await raw.put(bytes);
  }
  returned(letter);
}

/** @param {Letter} letter @param {Buffer} to */
function write({ number, incarnation, sequence, body }, to) {
  to.writeUInt32LE(number, 0);
  to.writeUInt32LE(incarnation, 4);
  to.writeUInt32LE(sequence, 8);
  to.writeUInt32LE(body.length, 12);
  body.copy(to, HEADER);
}

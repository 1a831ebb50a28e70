// @ts-check
// A process that the soak kills: node actor.mjs <configuration as JSON>

import { writeSync } from 'node:fs';
import { attach } from 'multiproc';
import { consume } from './consumer.mjs';
import { Ledger, Row } from './ledger.mjs';
import { useLocks } from './locker.mjs';
import { produce } from './producer.mjs';
import { randomOf } from './random.mjs';

/**
 * @typedef {object} Configuration
 * @property {'producer' | 'consumer' | 'locker'} role
 * @property {number} queue
 * @property {number} seat
 * @property {number} incarnation
 * @property {number} seed
 * @property {number} supervisor its pid
 * @property {string} ledger
 * @property {Record<keyof import('./plan.mjs').Objects, string>} objects handles
 */

export class Actor {
  /** @param {Configuration} configuration */
  constructor({ seat, incarnation, seed, supervisor, ledger, objects }) {
    this.supervisor = supervisor;
    this.ledger = new Ledger(attach(ledger));
    this.row = /** @type {Int32Array} */ (this.ledger.rows[seat]);
    this.incarnation = incarnation;
    this.random = randomOf(seed);
    this.objects = /** @type {import('./plan.mjs').Objects} */ (
      Object.fromEntries(Object.entries(objects).map(([name, handle]) => [name, attach(handle)]))
    );
    const clock = new Int32Array(new SharedArrayBuffer(4));
    /** Work for a while, as programs do, so that the starts of others get the processors. Nothing depends on how long. */
    this.pace = () => void Atomics.wait(clock, 0, 0, this.random() * 6);
  }

  /** The supervisor would have ended this process, and is gone itself. */
  endIfAbandoned() {
    if (process.ppid === this.supervisor) return;
    for (const queue of [this.objects.plain, this.objects.raw, this.objects.tasks]) queue.shutdown();
    process.exit(4);
  }

  /** Whether to end. */
  get over() {
    this.endIfAbandoned();
    return this.ledger.stopped;
  }

  beat() {
    Atomics.add(this.row, Row.beats, 1);
  }

  /** @param {string} what @returns {never} */
  fail = (what) => {
    throw new Error(`${this.incarnation}: ${what}`);
  };
}

/** @type {Configuration} */
const configuration = JSON.parse(process.argv[2] ?? '');
try {
  const actor = new Actor(configuration);
  Atomics.store(actor.row, Row.incarnation, configuration.incarnation);
  actor.beat();
  if (configuration.role === 'producer') await produce(actor, configuration.queue);
  else if (configuration.role === 'consumer') await consume(actor, configuration.queue);
  else await useLocks(actor);
} catch (error) {
  // At once, and whatever the event loop is doing.
  writeSync(2, `${/** @type {Error} */ (error).stack}\n`);
  process.exit(3);
}

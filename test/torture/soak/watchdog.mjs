// @ts-check
// Nobody may be stuck: each living actor that is not stopped goes on.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { loadavg, availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Row, read } from './ledger.mjs';

/** Milliseconds that an actor may be without progress: two slices of a sleeper, for two owners who die in a row, and as much again. */
const PATIENCE = 2000;
const PHASE = 60_000;
const BETWEEN_LOOKS = 100;
/** What the supervisor may have more of at the end than in the first quarter. */
const MORE = { descriptors: 40, megabytes: 250 };
const tool = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export class Watchdog {
  /** Net of the time for which the actor had no processor or somebody was stopped. */
  longestStall = 0;
  /** @type {Set<import('./seat.mjs').Seat>} */
  #stopped = new Set();
  #stoppedSince = 0;
  #stoppedMs = 0;
  #lastLook = 0;
  /** @type {{ descriptors: number, megabytes: number } | undefined} */
  #first;

  /** @param {import('./supervisor.mjs').Supervisor} supervisor */
  constructor(supervisor) {
    this.supervisor = supervisor;
  }

  /** @param {import('./seat.mjs').Seat} seat */
  stopped(seat) {
    if (this.#stopped.size === 0) this.#stoppedSince = performance.now();
    seat.stopped = true;
    this.#stopped.add(seat);
  }

  /** It goes on, or is killed. @param {import('./seat.mjs').Seat} seat */
  ended(seat) {
    seat.stopped = false;
    if (this.#stopped.delete(seat) && this.#stopped.size === 0)
      this.#stoppedMs += performance.now() - this.#stoppedSince;
  }

  #stoppedSoFar() {
    return this.#stoppedMs + (this.#stopped.size > 0 ? performance.now() - this.#stoppedSince : 0);
  }

  look() {
    const now = performance.now();
    if (now - this.#lastLook < BETWEEN_LOOKS) return;
    this.#lastLook = now;
    for (const seat of this.supervisor.seats) if (seat.working && !seat.dying && !seat.stopped) this.#lookAt(seat, now);
  }

  /** @param {import('./seat.mjs').Seat} seat @param {number} now */
  #lookAt(seat, now) {
    const { seen } = seat;
    const beats = read(seat.row, Row.beats);
    if (beats !== seen.beats || this.#hasNothingToDo(seat)) {
      seat.seen = { beats, at: now, queued: seat.queuedMs(), stoppedMs: this.#stoppedSoFar() };
      return;
    }
    const stall = now - seen.at - (seat.queuedMs() - seen.queued) - (this.#stoppedSoFar() - seen.stoppedMs);
    this.longestStall = Math.max(this.longestStall, stall);
    // Those it waits for are slower too when the processors are shared by more than there are.
    const overload = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
    if (stall > PATIENCE * overload)
      throw new Error(`An actor made no progress for ${Math.round(stall)} ms: ${String(seat)}`);
  }

  /** A queue that has nothing to get, or nobody who gets, makes its users wait. @param {import('./seat.mjs').Seat} seat */
  #hasNothingToDo({ role, queue }) {
    if (role === 'locker') return false;
    const { objects, seats } = this.supervisor;
    if (role === 'consumer') return this.#queue(objects, queue).qsize() === 0;
    return !seats.some((other) => other.role === 'consumer' && other.queue === queue && other.working && !other.dying);
  }

  /** @param {import('./plan.mjs').Objects} objects @param {number} queue */
  #queue(objects, queue) {
    return /** @type {import('multiproc').Queue} */ ([objects.plain, objects.raw, objects.tasks][queue]);
  }

  /** Goes on when `condition` holds. @param {string} what @param {() => boolean} condition */
  async until(what, condition) {
    const deadline = performance.now() + PHASE;
    while (!condition()) {
      this.supervisor.assertHolding();
      if (performance.now() > deadline) throw new Error(`Gave up after ${PHASE} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.supervisor.assertHolding();
  }

  /** What the supervisor has; what it had first is remembered. */
  resources() {
    const now = {
      descriptors: readdirSync('/proc/self/fd').length,
      megabytes: Math.round((process.memoryUsage().heapUsed + process.memoryUsage().external) / 2 ** 20),
    };
    this.#first ??= now;
    return now;
  }

  checkResources() {
    const [first, now] = [this.#first ?? this.resources(), this.resources()];
    for (const what of /** @type {const} */ (['descriptors', 'megabytes'])) {
      if (now[what] > first[what] + MORE[what])
        throw new Error(`The supervisor had ${first[what]} ${what}, and has ${now[what]}`);
    }
  }

  dump() {
    const { stdout } = spawnSync(process.execPath, [tool, 'ls', '--json'], { encoding: 'utf8' });
    return ['What there was when it failed:', ...this.supervisor.seats.map(String), stdout].join('\n');
  }
}

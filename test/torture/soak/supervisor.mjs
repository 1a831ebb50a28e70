// @ts-check
// Starts the actors, kills and stops them at random, starts others in their places, and has the ledger checked all the while.
// Everything that is chosen follows from the seed; what an actor is doing at the instant of its kill is the scheduler's choice.

import { Doing, Flow, Guarded, Head, Ledger, Row, SEATS, read } from './ledger.mjs';
import { endOf, ownFiles } from './ending.mjs';
import { createObjects, seats as plan } from './plan.mjs';
import { pick, randomOf } from './random.mjs';
import { Rules } from './rules.mjs';
import { Seat } from './seat.mjs';
import { Watchdog } from './watchdog.mjs';

/** Milliseconds between kills. */
const BETWEEN_KILLS = 40;
const BETWEEN_CHECKS = 1000;
const BETWEEN_REPORTS = 15_000;
/** Of all kills: of one that may not even have begun. */
const UNBORN = 0.15;
/** Stops for each kill. */
const STOPS = 0.05;
/** Messages in a queue for each second of the run, at most. */
const MESSAGES_A_SECOND = 20_000;

export class Supervisor {
  /**
   * @param {object} task ends with the time or the kills, whichever comes first
   * @param {number} task.seconds
   * @param {number} task.kills
   * @param {boolean} task.steady whether one that is starting is killed when too few work, rather than nobody
   * @param {number} task.seed
   * @param {(text: string) => void} task.log
   */
  constructor({ seconds, kills, steady, seed, log }) {
    this.steady = steady;
    this.seconds = seconds;
    this.enough = kills;
    this.log = log;
    this.random = randomOf(seed);
    this.ledger = Ledger.create(Math.ceil(Math.max(60, Number.isFinite(seconds) ? seconds : 0) * MESSAGES_A_SECOND));
    for (let i = 0; i + 4 <= this.ledger.pattern.length; i += 4)
      this.ledger.pattern.writeUInt32LE(Math.floor(this.random() * 2 ** 32), i);
    this.objects = createObjects();
    this.rules = new Rules(this.ledger, this.objects);
    this.seats = plan.map((each, i) => new Seat(i, each, /** @type {Int32Array} */ (this.ledger.rows[i])));
    if (this.seats.length !== SEATS) throw new Error('The ledger has another number of seats');
    this.watchdog = new Watchdog(this);
    this.shared = {
      supervisor: process.pid,
      ledger: this.ledger.memory.handle,
      objects: Object.fromEntries(Object.entries(this.objects).map(([name, object]) => [name, object.handle])),
    };
    this.incarnations = 0;
    this.kills = { all: 0, asking: 0, inside: 0, leaving: 0, starting: 0, stopped: 0 };
    this.stops = 0;
    this.spills = 0;
    this.elapsed = 0;
    this.longestGap = 0;
    this.ending = false;
    /** @type {Error | undefined} */
    this.failure = undefined;
  }

  async run() {
    const files = ownFiles();
    try {
      for (const seat of this.seats) this.start(seat);
      await this.#torture();
      await endOf(this, files);
    } catch (error) {
      this.log(this.watchdog.dump());
      throw error;
    } finally {
      this.ending = true;
      for (const seat of this.seats) seat.signal('SIGKILL');
    }
    return this.#figures();
  }

  /** @param {Seat} seat */
  start(seat) {
    this.incarnations += 1;
    seat.start(this.incarnations, Math.floor(this.random() * 2 ** 32), this.shared, (code, signal) =>
      this.#ended(seat, code, signal),
    );
  }

  /** Throws what went wrong anywhere. */
  assertHolding() {
    if (this.failure !== undefined) throw this.failure;
  }

  get dying() {
    return this.seats.filter(({ dying }) => dying).length;
  }

  /** @param {Seat} seat @param {number | null} code @param {string | null} signal */
  #ended(seat, code, signal) {
    const killed = seat.dying && signal === 'SIGKILL';
    if (killed) this.rules.bury(seat.row, seat.role);
    seat.row[Row.doing] = Doing.idle;
    seat.dying = false;
    const over = this.ending || (this.ledger.stopped && seat.role !== 'consumer');
    // One that was killed when it had just ended by itself has ended.
    if (!killed && (code !== 0 || !this.ledger.stopped)) {
      this.failure ??= new Error(`An actor ended with ${code ?? signal}: ${seat.stderr}\n${String(seat)}`);
    } else if (killed && !over) this.start(seat);
  }

  async #torture() {
    const start = performance.now();
    let [lastKill, lastCheck, lastReport] = [start, start, start];
    await this.watchdog.until('every actor works', () => this.seats.every(({ working }) => working));
    lastKill = performance.now();
    const end = lastKill + this.seconds * 1000;
    for (let now = lastKill; now < end && this.kills.all < this.enough; now = performance.now()) {
      this.assertHolding();
      if (now - lastKill >= BETWEEN_KILLS && this.#kill()) {
        this.longestGap = Math.max(this.longestGap, now - lastKill);
        lastKill = now;
        if (this.random() < STOPS) this.#stop();
      }
      if (now - lastCheck >= BETWEEN_CHECKS) {
        this.rules.check(this.dying);
        lastCheck = now;
      }
      this.watchdog.look();
      if (now - lastReport >= BETWEEN_REPORTS) {
        this.log(JSON.stringify(this.#figures()));
        lastReport = now;
      }
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(1, Math.min(10, lastKill + BETWEEN_KILLS - performance.now()))),
      );
    }
    this.elapsed = (performance.now() - start) / 1000;
  }

  /**
   * While too few work, the youngest of those that are starting is killed, which costs least: starting takes most of the processors, and
   * the older ones must get there.
   */
  #victim() {
    const living = this.seats.filter(({ occupied, dying }) => occupied && !dying);
    const working = living.filter((seat) => seat.working);
    const starting = living.filter((seat) => !seat.working);
    if (working.length < SEATS / 2) {
      return !this.steady ? undefined : starting.sort((a, b) => b.incarnation - a.incarnation)[0];
    }
    return pick(this.random, starting.length > 0 && this.random() < UNBORN ? starting : working);
  }

  /** @returns whether there was somebody to kill. */
  #kill() {
    const seat = this.#victim();
    if (seat === undefined) return false;
    this.kills.all += 1;
    if (!seat.working) this.kills.starting += 1;
    if (seat.stopped) this.kills.stopped += 1;
    const doing = read(seat.row, Row.doing);
    for (const [name, value] of Object.entries(Doing)) {
      if (value === doing && name !== 'idle') this.kills[/** @type {'asking' | 'inside' | 'leaving'} */ (name)] += 1;
    }
    this.watchdog.ended(seat);
    this.ledger.fates[seat.incarnation] = 1;
    seat.dying = true;
    seat.signal('SIGKILL');
    return true;
  }

  /** Stops one for a while. The next kill may find it stopped. */
  #stop() {
    const candidates = this.seats.filter(({ working, dying, stopped }) => working && !dying && !stopped);
    if (candidates.length === 0) return;
    const seat = pick(this.random, candidates);
    const { incarnation } = seat;
    this.stops += 1;
    this.watchdog.stopped(seat);
    seat.signal('SIGSTOP');
    setTimeout(
      () => {
        if (seat.incarnation !== incarnation || seat.dying) return;
        this.watchdog.ended(seat);
        seat.signal('SIGCONT');
      },
      20 + this.random() * 280,
    );
  }

  #figures() {
    const { ledger, kills, rules, watchdog } = this;
    const sum = (/** @type {number} */ word) => ledger.flows.reduce((total, flow) => total + read(flow, word), 0);
    const guarded = (/** @type {number} */ word) => ledger.locks.reduce((total, lock) => total + read(lock, word), 0);
    const seconds = this.elapsed;
    return {
      kills: kills.all,
      killsPerSecond: seconds > 0 ? Number((kills.all / seconds).toFixed(1)) : undefined,
      longestGapMs: Math.round(this.longestGap),
      killsWhile: {
        starting: kills.starting,
        stopped: kills.stopped,
        asking: kills.asking,
        inside: kills.inside,
        leaving: kills.leaving,
      },
      stops: this.stops,
      processes: this.incarnations,
      messagesPut: sum(Flow.next),
      messagesReceived: sum(Flow.received),
      spilled: this.spills,
      redelivered: sum(Flow.redelivered),
      late: sum(Flow.late),
      lostWithKilledGetters: rules.lost,
      mayBeLostWithThem: rules.tolls[0]?.taken,
      lockEntries: guarded(Guarded.entries),
      ownerDeathsTold: guarded(Guarded.told),
      ownersKilledInside: rules.insideLock.reduce((total, count) => total + count, 0),
      semaphoreUses: ledger.word(Head.semaphoreUses),
      barrierPasses: ledger.word(Head.barrierPasses),
      conditionWakes: ledger.word(Head.conditionWakes),
      valueUpdates: ledger.word(Head.updatesEnded),
      checks: rules.checks,
      longestStallMs: Math.round(watchdog.longestStall),
      supervisor: watchdog.resources(),
    };
  }
}

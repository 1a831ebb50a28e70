// @ts-check
// What must be true of the ledger: some of it at every moment, all of it at the end.

import { Doing, Empty, Flow, Guarded, Head, LOCKS, Mark, QUEUES, Row, SEMAPHORE, read } from './ledger.mjs';
import { MAXSIZE, PERMITS, Queues } from './plan.mjs';

/** What a queue may have lost or handed out late because of kills. */
class Toll {
  /** Messages that killed getters may have taken along. */
  taken = 0;
  /** Kills in the middle of getting: what comes back then is late. */
  late = 0;
}

export class Rules {
  /** @param {import('./ledger.mjs').Ledger} ledger @param {import('./plan.mjs').Objects} objects */
  constructor(ledger, objects) {
    this.ledger = ledger;
    this.objects = objects;
    this.tolls = Array.from({ length: QUEUES }, () => new Toll());
    this.walks = Array.from({ length: QUEUES }, () => ({
      next: 0,
      target: 0,
      /** Not consumed at the last look. @type {Map<number, { handed: number, strikes: number }>} */
      pending: new Map(),
    }));
    /** Kills around the taking and leaving of each lock, and while inside. */
    this.aroundLock = new Array(LOCKS).fill(0);
    this.insideLock = new Array(LOCKS).fill(0);
    this.permitsUnknown = 0;
    this.lost = 0;
    this.checks = 0;
  }

  /** Takes down what the dead one was doing. Nobody writes its row any more. @param {Int32Array} row @param {string} role */
  bury(row, role) {
    const doing = read(row, Row.doing);
    const object = read(row, Row.object);
    if (role === 'consumer') {
      const toll = /** @type {Toll} */ (this.tolls[object]);
      if (doing === Doing.asking) {
        toll.taken += read(row, Row.batch);
        toll.late += 1;
      }
    } else if (role === 'locker' && doing !== Doing.idle) {
      if (object === SEMAPHORE) {
        if (doing === Doing.inside) this.objects.semaphore.release();
        else this.permitsUnknown += 1;
      } else if (doing === Doing.inside) this.insideLock[object] += 1;
      else this.aroundLock[object] += 1;
    }
  }

  /** @param {number} dying sent SIGKILL and not buried yet @param {boolean} drained nothing is left in the queues */
  check(dying, drained = false) {
    this.checks += 1;
    for (let queue = 0; queue < QUEUES; queue++) {
      this.#follow(queue, dying, drained);
      const { late } = /** @type {Toll} */ (this.tolls[queue]);
      const flow = /** @type {Int32Array} */ (this.ledger.flows[queue]);
      hold(
        read(flow, Flow.late) <= late + dying,
        `queue ${queue}: ${read(flow, Flow.late)} messages out of order, ${late} kills may cause that`,
      );
    }
    for (let lock = 0; lock < LOCKS; lock++) {
      const guarded = /** @type {Int32Array} */ (this.ledger.locks[lock]);
      const [told, toldOfNobody] = [read(guarded, Guarded.told), read(guarded, Guarded.toldOfNobody)];
      const [around, inside] = [this.aroundLock[lock] + dying, this.insideLock[lock]];
      hold(
        toldOfNobody <= around,
        `lock ${lock}: ${toldOfNobody} told of a death that nobody died, ${around} kills may cause that`,
      );
      hold(
        told <= inside + around,
        `lock ${lock}: ${told} told of a death, ${inside} died inside, ${around} around it`,
      );
      if (drained) hold(told + around >= inside, `lock ${lock}: ${told} told of a death, ${inside} died inside`);
    }
    this.#checkPermits();
    this.#checkCounts();
  }

  /**
   * When four times as many messages have gone as the queue holds, those that were in it before have been handed out. One that
   * was not, three times in a row, and that nobody alive has, is lost. (Three: the queue gets a message back from a killed reader only
   * when somebody waits, and the next reader may be killed too.)
   *
   * @param {number} queue @param {number} dying @param {boolean} drained
   */
  #follow(queue, dying, drained) {
    const flow = /** @type {Int32Array} */ (this.ledger.flows[queue]);
    const walk = /** @type {Rules['walks'][number]} */ (this.walks[queue]);
    if (!drained && read(flow, Flow.received) < walk.target) return;
    const end = read(flow, Flow.next);
    walk.target = read(flow, Flow.received) + 4 * MAXSIZE;
    for (; walk.next < end; walk.next++) walk.pending.set(walk.next, { handed: 0, strikes: 0 });
    for (const [number, seen] of walk.pending) {
      const state = this.#stateOf(queue, number, drained);
      const handed = Atomics.load(/** @type {Uint8Array} */ (this.ledger.handed[queue]), number);
      if (state === 'done') walk.pending.delete(number);
      if (state !== 'nowhere') continue;
      const strikes = handed === seen.handed ? seen.strikes + 1 : 1;
      walk.pending.set(number, { handed, strikes });
      if (!drained && strikes <= 3) continue;
      walk.pending.delete(number);
      hold(queue === Queues.plain, `queue ${queue}: message ${number} is lost, handed out ${handed} times`);
      this.lost += 1;
    }
    const { taken } = /** @type {Toll} */ (this.tolls[Queues.plain]);
    hold(this.lost <= taken + 8 * dying, `${this.lost} messages are lost, killed getters may have had ${taken}`);
  }

  /** @param {number} queue @param {number} number @param {boolean} drained @returns {'done' | 'open' | 'nowhere'} */
  #stateOf(queue, number, drained) {
    const mark = Atomics.load(/** @type {Uint8Array} */ (this.ledger.marks[queue]), number);
    if (mark & Mark.ended) return 'done';
    if (!(mark & Mark.returned)) return 'open';
    const holder = Atomics.load(/** @type {Int32Array} */ (this.ledger.holders[queue]), number);
    const alive = holder !== 0 && !this.ledger.fates[holder];
    if (alive && !drained) return 'open';
    // Killed in the middle of consuming it: it is gone, or comes once more.
    return mark & Mark.ending ? 'open' : 'nowhere';
  }

  /** While nobody is near the semaphore, its permits can be counted; what the killed may have kept is given back. */
  #checkPermits() {
    const { semaphore } = this.objects;
    hold(semaphore.getValue() <= PERMITS, `the semaphore has ${semaphore.getValue()} permits`);
    const near = () =>
      this.ledger.rows.some((row) => read(row, Row.object) === SEMAPHORE && read(row, Row.doing) !== Doing.idle);
    const beats = () => this.ledger.rows.map((row) => read(row, Row.beats)).join();
    const before = beats();
    if (near()) return;
    const missing = PERMITS - semaphore.getValue();
    if (near() || beats() !== before) return;
    hold(missing <= this.permitsUnknown, `${missing} permits are gone, ${this.permitsUnknown} kills may have kept one`);
    if (missing > 0) semaphore.release(missing);
    this.permitsUnknown = 0;
  }

  /** What was added lies between what had returned before the look and what had begun after it. */
  #checkCounts() {
    const { ledger, objects } = this;
    const least = [ledger.word(Head.updatesEnded), ledger.word(Head.cellsEnded)];
    const now = [Number(objects.value.value), objects.cells.reduce((sum, cell) => sum + cell, 0)];
    const most = [ledger.word(Head.updatesBegun), ledger.word(Head.cellsBegun)];
    now.forEach((sum, i) => {
      const [from = 0, to = 0] = [least[i], most[i]];
      hold(
        sum >= from && sum <= to,
        `${['the value', 'the array'][i]} counts ${sum}, between ${from} and ${to} were added`,
      );
    });
    const flow = /** @type {Int32Array} */ (ledger.flows[Queues.raw]);
    const ended = read(flow, Empty.ended);
    hold(ended <= read(flow, Empty.begun), `${ended} empty messages were got, fewer were put`);
  }

  /** Only at the end: the queues are drained. */
  checkEmptyMessages() {
    const flow = /** @type {Int32Array} */ (this.ledger.flows[Queues.raw]);
    const begun = read(flow, Empty.begun);
    const returned = read(flow, Empty.returned);
    const ending = read(flow, Empty.ending);
    const ended = read(flow, Empty.ended);
    hold(
      ended <= begun && ending >= returned,
      `empty messages: ${returned} to ${begun} put, ${ended} to ${ending} got`,
    );
  }
}

/** @param {unknown} condition @param {string} what is wrong if not */
export function hold(condition, what) {
  if (!condition) throw new Error(`The ledger does not hold: ${what}`);
}

// @ts-check
// One kill: things, a victim, those beside it, and the books afterwards.

import { setImmediate } from 'node:timers/promises';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkAftermath } from './aftermath.mjs';
import { Ledger, makeLedgerArray } from './ledger.mjs';
import { makers, markRaw, operations } from './operations.mjs';
import { Actor } from './processes.mjs';

const commandLineTool = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** Milliseconds after which those beside a dead one go on, at most. */
const PROMISE = 1000;

const now = () => performance.now();

/** Milliseconds for which the main thread of a process was ready to run and had no processor. @param {number} pid */
function runDelay(pid) {
  const [, waited] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
  return Number(waited) / 1e6;
}

/** A run of trials: keeps those who stand beside, and a victim in reserve, so that nobody waits for a process to start. */
export class Trials {
  /** @type {Actor[]} */
  #bystanders = [];
  /** @type {Actor | undefined} */
  #reserve;
  #count = 0;
  /** Every process that was started. @type {Set<number>} */
  #pids = new Set();
  #addon;
  kills = 0;
  /** How many were beside the victims, and how many of them were seen to go on: the others had done all their rounds. */
  beside = 0;
  wentOn = 0;
  /** The longest that somebody beside a victim took for a round after its death, in milliseconds, without waits for a processor. */
  longest = 0;

  /** @param {string} addon with fault points */
  constructor(addon) {
    this.#addon = addon;
  }

  /**
   * Kills a victim at point k of an operation, beside `others` processes that use the same things.
   *
   * @param {string} what
   * @param {number} k 0: not at all
   * @param {number} others
   * @returns {Promise<{ killed: boolean, points: number }>} points: how many it passed if it survived
   */
  async run(what, k, others) {
    const operation = operations[what];
    if (operation === undefined) throw new RangeError(`There is no operation ${what}`);
    const name = `api-kill.${process.pid}.${this.#count++}`;
    /** @type {import('./operations.mjs').Things} */
    const things = makers[operation.on]();
    if (operation.on === 'raw') markRaw(things['queue']);
    const cells = makeLedgerArray();
    const ledger = new Ledger(/** @type {any} */ (cells));
    const handles = Object.fromEntries(Object.entries(things).map(([key, thing]) => [key, thing.handle]));
    const order = { what, k, name, handles, ledger: cells.handle };
    try {
      const beside = operation.ends === true ? [] : await this.#beside(others);
      beside.forEach((actor, index) => actor.send({ ...order, index }));
      const done = beside.map((actor) => actor.message());
      // A failure of theirs is reported when it is waited for, below.
      for (const each of done) each.catch(() => undefined);

      const victim = this.#reserve ?? this.#start('victim');
      this.#reserve = undefined;
      victim.send(order);
      this.#reserve = this.#start('victim');
      const killed = (await victim.end()) === 'killed';
      if (killed) this.kills++;
      await this.#goOn(ledger, done, beside);
      ledger.stop();
      await Promise.all(done);
      await checkAftermath(operation, { things, ledger, name, point: () => undefined }, killed);
      return { killed, points: victim.last?.points ?? 0 };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${what}, killed at point ${k} beside ${others}: ${reason}`, { cause: error });
    } finally {
      for (const thing of [...Object.values(things), cells]) thing.close();
    }
  }

  /**
   * Everybody beside the victim does two more rounds, now that it is dead, each within a second. The time for which it, or
   * this process, was ready to run and had no processor does not count.
   *
   * @param {Ledger} ledger
   * @param {Promise<unknown>[]} done
   * @param {readonly Actor[]} beside
   */
  async #goOn(ledger, done, beside) {
    let finished = 0;
    this.beside += beside.length;
    const ended = done.map((each) => each.then(() => finished++));
    const delay = (/** @type {Actor} */ { pid }) => runDelay(pid) + runDelay(process.pid);
    const rounds = beside.map((actor, i) => ({
      actor,
      i,
      left: 2,
      before: ledger.rounds(i),
      begin: now(),
      delay: delay(actor),
    }));
    for (let going = rounds; finished === 0 && going.length > 0; going = going.filter(({ left }) => left > 0)) {
      for (const round of going) {
        const { actor, i, before, begin } = round;
        const over = ledger.rounds(i) > before;
        // Asking for the delay costs a system call or two.
        if (!over && now() - begin < PROMISE) continue;
        const fair = now() - begin - (delay(actor) - round.delay);
        if (fair >= PROMISE) throw new Error(`Process ${actor.pid} did not go on for ${Math.round(fair)} ms`);
        if (!over) continue;
        this.wentOn += round.left === 1 ? 1 : 0;
        this.longest = Math.max(this.longest, fair);
        Object.assign(round, { left: round.left - 1, before: ledger.rounds(i), begin: now(), delay: delay(actor) });
      }
      await Promise.race([setImmediate(), ...ended]);
    }
  }

  /** @param {number} count */
  async #beside(count) {
    while (this.#bystanders.length < count) {
      const actor = this.#start('bystander');
      await actor.message();
      this.#bystanders.push(actor);
    }
    return this.#bystanders.slice(0, count);
  }

  /** @param {'victim' | 'bystander'} role */
  #start(role) {
    const actor = new Actor(role, role === 'victim' ? this.#addon : undefined);
    this.#pids.add(actor.pid);
    return actor;
  }

  /** Ends everybody, and looks whether something stays behind. */
  async end() {
    for (const actor of [...this.#bystanders, ...(this.#reserve ? [this.#reserve] : [])]) await actor.kill();
    execFileSync(process.execPath, [commandLineTool, 'gc']);
    const listed = JSON.parse(execFileSync(process.execPath, [commandLineTool, 'ls', '--json'], { encoding: 'utf8' }));
    const orphans = listed.filter(
      (/** @type {{ participants: { pid: number, alive: boolean }[] }} */ { participants }) => {
        return participants.some(({ pid }) => this.#pids.has(pid)) && !participants.some(({ alive }) => alive);
      },
    );
    const files = readdirSync('/dev/shm').filter((file) => file.includes(`api-kill.${process.pid}.`));
    if (orphans.length > 0 || files.length > 0) {
      throw new Error(`Left behind: ${JSON.stringify(orphans)} ${files.join(' ')}`);
    }
  }
}

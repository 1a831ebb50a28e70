// @ts-check
// One kill: things, a victim, those beside it, and the books afterwards.

import { setImmediate } from 'node:timers/promises';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkAftermath } from './aftermath.mjs';
import { Ledger, makeLedgerArray } from './ledger.mjs';
import { makers, markRaw, operations } from './operations.mjs';
import { Actor } from './processes.mjs';

const commandLineTool = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

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
  /** The longest that somebody beside a victim took for a round after its death, in milliseconds. */
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
      await this.#goOn(ledger, done);
      ledger.stop();
      await Promise.all(done);
      await checkAftermath(operation, { things, ledger, name, point: () => undefined });
      return { killed, points: victim.last?.points ?? 0 };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${what}, killed at point ${k} beside ${others}: ${reason}`, { cause: error });
    } finally {
      for (const thing of [...Object.values(things), cells]) thing.close();
    }
  }

  /** Everybody beside the victim does another round, now that it is dead. @param {Ledger} ledger @param {Promise<unknown>[]} done */
  async #goOn(ledger, done) {
    const begin = performance.now();
    let finished = 0;
    const ended = done.map((each) => each.then(() => finished++));
    const before = done.map((_, i) => ledger.rounds(i));
    while (finished === 0 && before.some((rounds, i) => ledger.rounds(i) < rounds + 2)) {
      await Promise.race([setImmediate(), ...ended]);
    }
    this.longest = Math.max(this.longest, performance.now() - begin);
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

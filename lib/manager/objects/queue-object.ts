/**
 * Queues in the server.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError, Empty, Full, ShutDownError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import { Call } from '../call.js';
import { NOT_NOW, WaitingRoom } from '../waiting-room.js';
import { Withdrawn } from '../withdrawal.js';
import { Fifo } from './fifo.js';
import { letGo } from './let-go.js';
import type { ServerObject } from './server-object.js';

/** Most items of one `getMany` without a limit of its own. */
const LARGEST_BATCH = 4096;

/** An item, and how often it was delivered before. */
export interface QueuedItem {
  readonly value: unknown;
  attempts: number;
}

/** Items, first in, first out. */
export class QueueObject implements ServerObject {
  static readonly exposed: readonly string[] = [
    'put',
    'putMany',
    'get',
    'getMany',
    'qsize',
    'empty',
    'full',
    'shutdown',
  ];
  protected readonly items = new Fifo<QueuedItem>();
  readonly #maxsize: number;
  readonly #getters = new WaitingRoom();
  readonly #putters = new WaitingRoom();
  #shutDown = false;

  /** @param maxsize not above 0: any number of items. @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(maxsize: unknown = 0) {
    if (typeof maxsize !== 'number' || Number.isNaN(maxsize))
      throw argumentTypeError(`Cannot make Queue: maxsize must be a number, received ${inspect(maxsize)}`);
    this.#maxsize = maxsize > 0 ? Math.floor(maxsize) : Infinity;
  }

  put(call: Call, value: unknown): void | Promise<void> {
    const result = this.#putters.wait<undefined>(
      call,
      () => this.#tryPut(value),
      () => {
        throw new Full('Cannot put into Queue: it is full');
      },
    );
    this.serve();
    return result;
  }

  /** Puts as many as there is room for within the time. @returns how many. */
  async putMany(call: Call, values: readonly unknown[]): Promise<number> {
    const deadline = now() + call.timeout;
    let count = 0;
    let current: Call | undefined;
    call.withdrawal = () => {
      current?.withdraw();
    };
    try {
      for (const value of values) {
        if (call.isWithdrawn) throw new Withdrawn();
        current = new Call(call.client, deadline - now());
        await this.put(current, value);
        count += 1;
      }
    } catch (error) {
      if (error instanceof Full || error instanceof ShutDownError) Object.assign(error, { count });
      throw error;
    }
    return count;
  }

  get(call: Call): unknown {
    return this.next(call, ({ value }) => value);
  }

  getMany(call: Call, most = LARGEST_BATCH): unknown {
    if (!Number.isInteger(most) || most < 1)
      throw argumentRangeError(`Cannot get from Queue: max must be a positive integer, received ${inspect(most)}`);
    return this.next(call, ({ value }) => {
      const values = [value];
      while (values.length < most) {
        const item = this.items.shift();
        if (item === undefined) break;
        values.push(item.value);
      }
      return values;
    });
  }

  qsize(): number {
    return this.items.length;
  }

  empty(): boolean {
    return this.items.length === 0;
  }

  full(): boolean {
    return this.items.length >= this.#maxsize;
  }

  /** No more puts; gets until it is empty, or with `immediate` none. */
  shutdown(_call: Call, immediate = false): void {
    this.#shutDown = true;
    if (immediate) while (this.items.shift() !== undefined) this.dropped();
    this.serve();
  }

  text(): string {
    const size = `${this.items.length}${this.#maxsize === Infinity ? '' : `/${this.#maxsize}`}`;
    return `<queue, size=${size}${this.#shutDown ? ', shut down' : ''}>`;
  }

  dispose(): void {
    for (let item = this.items.shift(); item !== undefined; item = this.items.shift()) letGo(item.value);
  }

  /** Gives the next item to `use`, now or when there is one. */
  protected next<R>(call: Call, use: (item: QueuedItem) => R): R | Promise<R> {
    const result = this.#getters.wait<R>(
      call,
      () => {
        const item = this.items.shift();
        if (item !== undefined) return use(item);
        if (this.#shutDown) throw new ShutDownError('Cannot get from Queue: it was shut down');
        return NOT_NOW;
      },
      () => {
        throw new Empty('Cannot get from Queue: it is empty');
      },
    );
    this.serve();
    return result;
  }

  /** What one operation did may be what others wait for, and what those do, too. */
  protected serve(): void {
    while (this.#getters.serve() + this.#putters.serve() > 0);
  }

  /** One more item has been put. */
  protected added(): void {
    // For those that count.
  }

  /** An item was thrown away. */
  protected dropped(): void {
    // For those that count.
  }

  #tryPut(value: unknown): undefined | typeof NOT_NOW {
    if (this.#shutDown) throw new ShutDownError('Cannot put into Queue: it was shut down');
    if (this.full()) return NOT_NOW;
    this.items.push({ value, attempts: 0 });
    this.added();
    return undefined;
  }
}

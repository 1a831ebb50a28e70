/**
 * The object behind `new Value(…)`, for any type; number types have a faster one in number-values.ts.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { attach } from '../internal/handle.js';
import { type Attachment, describe, Facade } from '../internal/shared-object.js';
import { closedError } from '../internal/status-error.js';
import type { WaitOptions } from '../internal/wait-options.js';
import type { Lock } from '../sync/lock.js';
import type { RLock } from '../sync/rlock.js';
import type { AtomicCell, Cell } from './atomic-cell.js';
import type { ElementType } from './element-types.js';
import { type MemoryLock, requireLock } from './memory-lock.js';
import type { MemoryParts } from './shared-bytes.js';
import { StructCell, type StructType } from './struct.js';

/** What a facade of a value is made of. */
export interface ValueParts extends Pick<MemoryParts, 'attachment' | 'buffer' | 'guard'> {
  readonly type: ElementType | StructType;
  readonly cell: AtomicCell | StructCell;
}

export class ValueFacade extends Facade {
  readonly #at: Attachment;
  readonly #type: ElementType | StructType;
  readonly #cell: AtomicCell | StructCell;
  readonly #guard: MemoryLock | null;
  /** The lock by a facade of this value's own, once used: updates that wait for it end when this one closes. */
  #ownLock: Lock | RLock | undefined;

  constructor(parts: ValueParts) {
    super(parts.attachment);
    this.#at = parts.attachment;
    this.#type = parts.type;
    this.#cell = parts.cell;
    this.#guard = parts.guard;
  }

  get value(): unknown {
    this.#at.assertOpen('read Value');
    return this.#cell.value;
  }

  set value(value: unknown) {
    this.#at.assertOpen('write Value');
    this.#cell.value = value;
  }

  add(amount: unknown): unknown {
    return this.#atomic('add to Value').add(amount);
  }

  sub(amount: unknown): unknown {
    return this.#atomic('subtract from Value').sub(amount);
  }

  exchange(value: unknown): unknown {
    return this.#atomic('exchange Value').exchange(value);
  }

  compareExchange(expected: unknown, value: unknown): boolean {
    return this.#atomic('exchange Value').compareExchange(expected, value);
  }

  async update(change: (value: unknown) => unknown, options?: WaitOptions): Promise<unknown> {
    const lock = this.#updateLock(change);
    return lock.run(async () => this.#write(await change(this.#read())), options);
  }

  updateSync(change: (value: unknown) => unknown, options?: WaitOptions): unknown {
    const lock = this.#updateLock(change);
    return lock.runSync(() => this.#write(change(this.#read())), options);
  }

  getLock(): Lock | RLock {
    this.#at.assertOpen('get the lock of Value');
    return requireLock(this.#guard, 'get the lock of Value');
  }

  getObj(): Cell<unknown> {
    this.#at.assertOpen('get the memory of Value');
    return this.#cell;
  }

  override close(): void {
    super.close();
    this.#ownLock?.close();
  }

  override [describe](): string {
    if (this.#cell instanceof StructCell) return `<Value struct ${inspect(this.#cell.snapshot())}>`;
    return `<Value ${(this.#type as ElementType).name} ${inspect(this.#cell.value)}>`;
  }

  /** What a number subclass stores for `value`; for the values that it has not recognised itself. */
  protected raw(value: unknown): number | bigint {
    return (this.#type as ElementType).toRaw(value);
  }

  protected refuse(action: string): never {
    throw closedError(`${action} Value`);
  }

  #atomic(action: string): AtomicCell {
    this.#at.assertOpen(action);
    if (this.#cell instanceof StructCell) {
      throw argumentTypeError(
        `Cannot ${action}: a structure does not change in one piece, use update() or one of its fields`,
      );
    }
    return this.#cell;
  }

  #updateLock(change: unknown): Lock | RLock {
    this.#at.assertOpen('update Value');
    if (typeof change !== 'function') {
      throw argumentTypeError(`Cannot update Value: expected a function, received ${inspect(change, { depth: 0 })}`);
    }
    const { handle } = requireLock(this.#guard, 'update Value');
    return (this.#ownLock ??= attach<Lock | RLock>(handle));
  }

  #read(): unknown {
    this.#at.assertOpen('update Value');
    return this.#cell instanceof StructCell ? this.#cell.snapshot() : this.#cell.value;
  }

  #write(value: unknown): unknown {
    this.#at.assertOpen('update Value');
    this.#cell.value = value;
    return this.#read();
  }
}

/**
 * SharedMemoryManager: blocks of shared memory that go together.
 */
import { inspect } from 'node:util';
import { StateError } from '../errors.js';
import { attach } from '../internal/handle.js';
import type { SharedObject } from '../internal/shared-object.js';
import type { ListItem } from '../memory/list-items.js';
import { ShareableList } from '../memory/shareable-list.js';
import { SharedMemory } from '../memory/shared-memory.js';

type Phase = 'new' | 'started' | 'ended';

/**
 * Makes blocks of shared memory and lists in such blocks, keeps them while it is started, and removes the names of all of them when it is shut down.
 *
 * ```ts
 * using manager = new SharedMemoryManager().start();
 * const list = manager.ShareableList([1, 'two', null]);
 * const block = manager.SharedMemory(4096);
 * ```
 *
 * It needs no process of its own, since the kernel keeps the memory: a block goes with its last user. **Death** of the process that has the manager takes its
 * share of the blocks with it; whoever uses one keeps it.
 */
export class SharedMemoryManager implements Disposable {
  #phase: Phase = 'new';
  readonly #blocks: SharedObject[] = [];

  /** @throws StateError (ERR_MULTIPROC_STATE) when it was started before. */
  start(): this {
    if (this.#phase !== 'new')
      throw new StateError(
        `Cannot start SharedMemoryManager: it was ${this.#phase === 'ended' ? 'shut down' : 'started before'}`,
      );
    this.#phase = 'started';
    return this;
  }

  /**
   * A block of so many zeros.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) before the start and after the shutdown; as `SharedMemory.create`.
   */
  SharedMemory(size: number): SharedMemory {
    this.#assertStarted('make SharedMemory');
    return this.#keep(SharedMemory.create({ size }));
  }

  /**
   * A list of these items.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) before the start and after the shutdown; as `new ShareableList`.
   */
  ShareableList(items: Iterable<ListItem>): ShareableList {
    this.#assertStarted('make ShareableList');
    return this.#keep(new ShareableList(items));
  }

  /** Removes the names of all blocks, and lets go of them; whoever has one keeps it. Does nothing when that was done before. */
  shutdown(): void {
    this.#phase = 'ended';
    for (const block of this.#blocks.splice(0)) {
      block.unlink();
      block.close();
    }
  }

  /** As {@link shutdown}. */
  [Symbol.dispose](): void {
    this.shutdown();
  }

  toString(): string {
    return `<SharedMemoryManager ${this.#phase} blocks=${this.#blocks.length}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  /** The user's object may be closed; the block stays. */
  #keep<T extends SharedMemory | ShareableList>(made: T): T {
    this.#blocks.push(attach(made));
    return made;
  }

  #assertStarted(action: string): void {
    if (this.#phase === 'started') return;
    throw new StateError(
      `Cannot ${action}: the manager ${this.#phase === 'new' ? 'has not been started' : 'was shut down'}`,
    );
  }
}

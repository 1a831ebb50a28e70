/**
 * Crowds: those of this thread who found no room in a channel, in line.
 */
import type { Selection } from './selection.js';

/** Readers and writers apart: the ones make room for the others. */
export class Crowds {
  readonly #readers = new Set<Selection>();
  readonly #writers = new Set<Selection>();

  /** Is somebody before it? Never for who blocks the thread: the others could not go on meanwhile. */
  mustQueue(selection: Selection, isWriter: boolean): boolean {
    if (selection.isBlocking) return false;
    const [first = selection] = isWriter ? this.#writers : this.#readers;
    return first !== selection;
  }

  /** It stands in line from now on. */
  join(selection: Selection, isWriter: boolean): void {
    (isWriter ? this.#writers : this.#readers).add(selection);
  }

  /** Is it the next one, of readers or of writers? */
  isNext(selection: Selection): boolean {
    return (
      selection.isBlocking ||
      this.#readers.values().next().value === selection ||
      this.#writers.values().next().value === selection
    );
  }

  /** It stands in line no more. False if it did not. */
  leave(selection: Selection): boolean {
    return [this.#readers.delete(selection), this.#writers.delete(selection)].includes(true);
  }
}

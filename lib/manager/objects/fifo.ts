/**
 * Fifo: a list that is filled at its end and emptied at its beginning.
 */

/** When so many places at the beginning are empty, and more than half of all, they are cut off. */
const MOST_EMPTY = 1024;

/** Every operation takes constant time, on average. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The first one; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first += 1;
    if (this.#first >= MOST_EMPTY && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Puts one back where it was taken from. */
  unshift(item: T): void {
    if (this.#first === 0) this.#items.unshift(item);
    else this.#items[(this.#first -= 1)] = item;
  }
}

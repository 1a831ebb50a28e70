// @ts-check

/** xorshift32, Marsaglia 2003: the same numbers from the same seed everywhere. */
export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    // 0 would stay 0, and neighbouring seeds begin alike.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
  }

  /** From 0 to bound - 1. @param {number} bound */
  below(bound) {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }

  /** @template T @param {readonly T[]} items @returns {T} */
  of(items) {
    return /** @type {T} */ (items[this.below(items.length)]);
  }
}

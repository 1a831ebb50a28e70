/**
 * Hold: a lock taken for the length of a block.
 */

/**
 * What `hold()` and `holdSync()` give, and what `run()` passes to its callback: the right to release what was taken. Nobody
 * else can release it.
 *
 * ```ts
 * using hold = await lock.hold();
 * ```
 *
 * Stays valid when the lock object it came from is closed.
 */
export class Hold implements Disposable {
  /**
   * True when the previous owner died while it held the lock: what the lock protects may be half changed. The lock
   * itself is sound.
   */
  readonly ownerDied: boolean;
  #release: (() => void) | undefined;

  /** @internal */
  constructor(ownerDied: boolean, release: () => void) {
    this.ownerDied = ownerDied;
    this.#release = release;
  }

  /** False once released. */
  get held(): boolean {
    return this.#release !== undefined;
  }

  /** Releases what was taken. Further calls do nothing. */
  release(): void {
    const release = this.#release;
    if (release === undefined) return;
    this.#release = undefined;
    release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

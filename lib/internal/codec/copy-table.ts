// So many objects are found again faster by looking at each than in a Map.
const FEW_OBJECTS = 16;

/** Which copy belongs to which object. */
export class CopyTable {
  readonly #few: object[] = [];
  readonly #fewCopies: object[] = [];
  #many: Map<object, object> | null = null;

  find(object: object): object | undefined {
    if (this.#many !== null) return this.#many.get(object);
    const few = this.#few;
    const count = few.length;
    for (let index = 0; index < count; index++) if (few[index] === object) return this.#fewCopies[index];
    return undefined;
  }

  /** Notes the copy of an object that has none yet, and gives the copy back. */
  remember<T extends object>(object: object, copy: T): T {
    if (this.#many !== null) {
      this.#many.set(object, copy);
      return copy;
    }
    this.#few.push(object);
    this.#fewCopies.push(copy);
    if (this.#few.length === FEW_OBJECTS) {
      this.#many = new Map(this.#few.map((each, index) => [each, this.#fewCopies[index] as object]));
    }
    return copy;
  }
}

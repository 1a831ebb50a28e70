// So many objects are found again faster by looking at each than in a Map.
const FEW_OBJECTS = 16;

/** Which copy belongs to which object. */
export class CopyTable {
  /** Objects and their copies in turn. */
  readonly #few: object[] = [];
  #many: Map<object, object> | null = null;

  find(object: object): object | undefined {
    if (this.#many !== null) return this.#many.get(object);
    const few = this.#few;
    const end = few.length;
    for (let index = 0; index < end; index += 2) if (few[index] === object) return few[index + 1];
    return undefined;
  }

  /** Notes the copy of an object that has none yet, and gives the copy back. */
  remember<T extends object>(object: object, copy: T): T {
    if (this.#many !== null) {
      this.#many.set(object, copy);
      return copy;
    }
    const few = this.#few;
    few.push(object, copy);
    if (few.length === 2 * FEW_OBJECTS) {
      const many = new Map<object, object>();
      for (let index = 0; index < few.length; index += 2) many.set(few[index] as object, few[index + 1] as object);
      this.#many = many;
    }
    return copy;
  }
}

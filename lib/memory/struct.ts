/**
 * Structures: several named elements in one piece of shared memory, laid out as a C compiler lays them out.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../errors.js';
import { atomicCell, type Cell } from './atomic-cell.js';
import { elementType, type ElementInput, type ElementType, type ElementValue, type TypeCode } from './element-types.js';

/** The fields of a structure, in the order in which they lie in memory. */
export type StructFields = Readonly<Record<string, TypeCode | StructType>>;

/** What the live view of a structure's fields looks like. */
export type StructValue<F extends StructFields> = {
  -readonly [K in keyof F]: F[K] extends StructType<infer Nested>
    ? StructValue<Nested>
    : F[K] extends TypeCode
      ? ElementValue<F[K]>
      : never;
};

/** What may be written to a structure at once: any of its fields; the others keep what they hold. */
export type StructInput<F extends StructFields> = {
  readonly [K in keyof F]?: F[K] extends StructType<infer Nested>
    ? StructInput<Nested>
    : F[K] extends TypeCode
      ? ElementInput<F[K]>
      : never;
};

interface Field {
  readonly name: string;
  readonly type: ElementType | StructType;
  readonly byteOffset: number;
}

/** The fields as they are kept with a shared object: pairs of name and letter, or name and the pairs of a structure. */
export type StructDescription = readonly (readonly [string, string | StructDescription])[];

const maximumDepth = 16;

/** A structure type, as {@link struct} makes it. */
export class StructType<F extends StructFields = StructFields> {
  /** The fields as they were given. */
  readonly fields: F;
  /** Size in bytes, with the padding that alignment needs. */
  readonly byteLength: number;
  readonly #alignment: number;
  readonly #depth: number;
  readonly #layout: readonly Field[];

  /** @internal */
  constructor(fields: F) {
    const layout: Field[] = [];
    let end = 0;
    let alignment = 1;
    let depth = 1;
    for (const [name, given] of Object.entries(fields)) {
      const type = given instanceof StructType ? given : elementType(given);
      const fieldAlignment = type instanceof StructType ? type.#alignment : type.byteLength;
      const byteOffset = alignUp(end, fieldAlignment);
      layout.push({ name, type, byteOffset });
      end = byteOffset + type.byteLength;
      alignment = Math.max(alignment, fieldAlignment);
      if (type instanceof StructType) depth = Math.max(depth, type.#depth + 1);
    }
    if (layout.length === 0) throw argumentRangeError('Cannot make a structure: it has no fields');
    if (depth > maximumDepth)
      throw argumentRangeError(`Cannot make a structure: it is nested more than ${maximumDepth} deep`);
    this.fields = Object.freeze({ ...fields });
    this.byteLength = alignUp(end, alignment);
    this.#alignment = alignment;
    this.#depth = depth;
    this.#layout = layout;
  }

  /** @internal */
  describe(): StructDescription {
    return this.#layout.map(({ name, type }) => [name, type instanceof StructType ? type.describe() : type.letter]);
  }

  /** @internal */
  cell(buffer: ArrayBuffer, byteOffset: number): StructCell {
    return new StructCell(
      this.#layout.map(({ name, type, byteOffset: start }) => {
        const cell =
          type instanceof StructType
            ? type.cell(buffer, byteOffset + start)
            : atomicCell(type, buffer, byteOffset + start);
        return { name, type, cell };
      }),
    );
  }

  [inspect.custom](): string {
    const shown = this.#layout.map(
      ({ name, type }) => `${name}: ${type instanceof StructType ? inspect(type) : type.name}`,
    );
    return `struct { ${shown.join(', ')} }`;
  }
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/**
 * Makes a structure type from named element types, for `new Value(type)`. Fields lie in the order given, each aligned
 * to its own size, as in C. A field may be a structure itself.
 *
 * ```js
 * const Point = struct({ x: 'i', y: 'd' });
 * const point = new Value(Point, { x: 1, y: 2.5 });
 * point.value.x += 1;
 * ```
 *
 * @throws TypeError `ERR_MULTIPROC_ARGUMENT` when `fields` is not an object of type codes.
 * @throws RangeError `ERR_MULTIPROC_ARGUMENT` when there are no fields.
 */
export function struct<const F extends StructFields>(fields: F): StructType<F> {
  checkFields(fields);
  return new StructType(fields);
}

function checkFields(fields: unknown): void {
  if (typeof fields === 'object' && fields !== null) return;
  throw argumentTypeError(`Cannot make a structure: expected an object of type codes, received ${inspect(fields)}`);
}

/** The structure type that `describe` was called on. */
export function structFromDescription(description: StructDescription): StructType {
  return new StructType(
    Object.fromEntries(
      description.map(([name, type]) => [
        name,
        typeof type === 'string' ? (type as TypeCode) : structFromDescription(type),
      ]),
    ),
  );
}

interface FieldCell {
  readonly name: string;
  readonly type: ElementType | StructType;
  readonly cell: Cell<unknown>;
}

/** The memory of one structure. Its value is a live object: reading a property reads shared memory, and so for writing. */
export class StructCell implements Cell<unknown> {
  readonly #fields: ReadonlyMap<string, FieldCell>;
  readonly #live: object;

  /** @internal */
  constructor(fields: readonly FieldCell[]) {
    this.#fields = new Map(fields.map((field) => [field.name, field]));
    this.#live = {};
    for (const { name, cell } of fields) {
      Object.defineProperty(this.#live, name, {
        enumerable: true,
        get: () => cell.value,
        set: (value: unknown) => {
          cell.value = value;
        },
      });
    }
    Object.defineProperty(this.#live, inspect.custom, { value: () => this.snapshot() });
    Object.preventExtensions(this.#live);
  }

  get value(): unknown {
    return this.#live;
  }

  /** Writes the fields that `value` has, or none at all when one of them is refused. */
  set value(value: unknown) {
    this.check(value);
    for (const [name, part] of Object.entries(value as object)) (this.#fields.get(name) as FieldCell).cell.value = part;
  }

  /** Throws for what cannot be written to this structure. */
  check(value: unknown): void {
    if (typeof value !== 'object' || value === null) {
      throw argumentTypeError(
        `Cannot store ${inspect(value, { depth: 0 })} as a structure: expected an object with its fields`,
      );
    }
    for (const [name, part] of Object.entries(value)) {
      const field = this.#fields.get(name);
      if (field === undefined) {
        throw argumentTypeError(
          `Cannot store a structure: it has no field '${name}', only ${[...this.#fields.keys()].join(', ')}`,
        );
      }
      if (field.cell instanceof StructCell) field.cell.check(part);
      else (field.type as ElementType).toRaw(part);
    }
  }

  /** A plain copy. */
  snapshot(): object {
    const entries = [...this.#fields.values()].map(({ name, cell }) => [
      name,
      cell instanceof StructCell ? cell.snapshot() : cell.value,
    ]);
    return Object.fromEntries(entries) as object;
  }

  [inspect.custom](): string {
    return `<struct ${inspect(this.snapshot())}>`;
  }
}

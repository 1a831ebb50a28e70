/**
 * ShareableList: a list of a few plain values that all processes see.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import {
  type Attachment,
  checkInteger,
  type CreateOptions,
  describe,
  Facade,
  openOrCreate,
} from '../internal/shared-object.js';
import { layOutItems, type ListItem, ListItems, type ListValue } from './list-items.js';
import { Block, createBlock, openBlock, registerBlockClass } from './shared-memory.js';

/**
 * A list in shared memory whose items are numbers, bigints of 64 bits, booleans, strings, bytes or `null`.
 *
 * Its length is fixed, and so are the bytes that each item may take: 8, or what its first value took, rounded up to a
 * multiple of 8. An item may change its type if the new value fits. Values come back exactly as they were stored.
 *
 * There is no lock: a process that reads an item while another writes it may get a mixture of both. Nothing waits.
 *
 * @typeParam T what the items are.
 */
export class ShareableList<T extends ListItem = ListItem> extends Facade implements Iterable<ListValue> {
  readonly #at: Attachment;
  readonly #name: string;
  readonly #items: ListItems;

  /**
   * Makes a list of these items.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) for an item that a list cannot hold; ExistsError when the name is taken;
   *   NoSpaceError.
   */
  constructor(items: Iterable<T>, options?: CreateOptions);
  /** @internal */
  constructor(block: Block);
  constructor(source: Iterable<T> | Block, options: CreateOptions = {}) {
    const block = source instanceof Block ? source : create(source, options);
    const items = itemsOf(block);
    super(block.attachment);
    this.#at = block.attachment;
    this.#name = block.name;
    this.#items = items;
  }

  /**
   * Opens the list of that name.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when there is none; VersionError, CorruptSegmentError when it cannot be used.
   */
  static open(name: string): ShareableList {
    return openBlock(ShareableList, name);
  }

  /** Opens the list of that name, or makes it from `items`. Two processes may do so at once. */
  static openOrCreate(name: string, items: Iterable<ListItem>, options?: Omit<CreateOptions, 'name'>): ShareableList {
    return openOrCreate(
      () => ShareableList.open(name),
      () => new ShareableList(items, { ...options, name }),
    );
  }

  /** The name for `open()`. */
  get name(): string {
    return this.#name;
  }

  /** How many items there are. */
  get length(): number {
    return this.#items.length;
  }

  /**
   * @param index from 0, or from -1 backwards.
   * @throws RangeError (ERR_MULTIPROC_ARGUMENT) for an index out of range; CorruptSegmentError when the memory is damaged; ClosedError.
   */
  get(index: number): ListValue {
    this.#at.assertOpen('read ShareableList');
    return this.#items.read(this.#place(index, 'read'));
  }

  /**
   * @param index from 0, or from -1 backwards.
   * @throws RangeError (ERR_MULTIPROC_ARGUMENT) for an index out of range, or when the item does not fit the storage of its place;
   *   TypeError (ERR_MULTIPROC_ARGUMENT) for what a list cannot hold; ClosedError.
   */
  set(index: number, item: ListItem): void {
    this.#at.assertOpen('write ShareableList');
    this.#items.write(this.#place(index, 'write'), item);
  }

  /** How many items equal `item`; bytes are compared by what they hold. */
  count(item: ListItem): number {
    let count = 0;
    for (const value of this) if (equal(value, item)) count += 1;
    return count;
  }

  /** Where the first item that equals `item` is, at or after `start`; -1 when there is none. */
  index(item: ListItem, start = 0): number {
    for (let index = Math.max(0, start < 0 ? start + this.length : start); index < this.length; index++) {
      if (equal(this.get(index), item)) return index;
    }
    return -1;
  }

  *[Symbol.iterator](): Iterator<ListValue> {
    for (let index = 0; index < this.length; index++) yield this.get(index);
  }

  override [describe](): string {
    return `<ShareableList ${inspect(this.#name)} ${inspect([...this])}>`;
  }

  #place(index: number, action: string): number {
    checkInteger(index, -this.length, this.length - 1, 'index', `${action} ShareableList`);
    return index < 0 ? index + this.length : index;
  }
}

function create(items: unknown, options: CreateOptions): Block {
  if (typeof items !== 'object' || items === null || !(Symbol.iterator in items)) {
    throw argumentTypeError(
      `Cannot create ShareableList: expected a list of items, received ${inspect(items, { depth: 0 })}`,
    );
  }
  const list = [...(items as Iterable<unknown>)];
  // Memory of no bytes does not exist: an empty list has one byte that nobody reads.
  return createBlock('ShareableList', options, list.length, list.length === 0 ? 1 : layOutItems(list));
}

function itemsOf({ buffer, length, attachment }: Block): ListItems {
  try {
    return new ListItems(buffer, length);
  } catch (error) {
    attachment.close();
    throw error;
  }
}

function equal(value: ListValue, item: ListItem): boolean {
  if (value instanceof Uint8Array) return item instanceof Uint8Array && value.equals(item);
  return value === item || (Number.isNaN(value) && Number.isNaN(item));
}

registerBlockClass('ShareableList', (block) => new ShareableList(block));

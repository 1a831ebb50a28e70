/**
 * SharedMemory: a block of bytes that all processes see.
 */
import { constants } from 'node:buffer';
import { inspect } from 'node:util';
import { argumentTypeError, CorruptSegmentError, ExistsError, KindError } from '../errors.js';
import { builtin } from '../internal/builtin.js';
import { registerKind } from '../internal/handle.js';
import {
  type Attachment,
  checkCreateOptions,
  checkInteger,
  checkName,
  type CreateOptions,
  describe,
  Facade,
  Opened,
  openByName,
  openOrCreate,
  type SharedObject,
} from '../internal/shared-object.js';
import { exposeMemory } from './live-memory.js';
import { createBytes, type MemoryParts, openBytes } from './shared-bytes.js';

/** Options of `SharedMemory.create()`. */
export interface SharedMemoryOptions extends CreateOptions {
  /** Bytes, at least 1. */
  readonly size: number;
}

/** Kept with each block as JSON. */
interface BlockFacts {
  /** Name of the class that made it. */
  readonly class: string;
  /** The name by which it can be opened. */
  readonly name: string;
}

/** A block that is attached: what makes a class's constructor adopt it instead of creating one. */
export class Block {
  readonly attachment: Attachment;
  readonly buffer: ArrayBuffer;
  readonly length: number;
  readonly name: string;

  constructor({ attachment, buffer, length }: MemoryParts, name: string) {
    this.attachment = attachment;
    this.buffer = buffer;
    this.length = length;
    this.name = name;
  }
}

/**
 * Creates a block, under a name of its own making when none was given.
 *
 * @param className decides which class the handle becomes.
 */
export function createBlock(
  className: string,
  options: CreateOptions,
  length: number,
  contents: Uint8Array | number,
): Block {
  const checked = checkCreateOptions(options, `create ${className}`);
  for (;;) {
    const name = checked.name ?? `memory-${builtin.crypto.randomBytes(8).toString('hex')}`;
    const facts: BlockFacts = { class: className, name };
    try {
      return new Block(
        createBytes('memory', { options: { ...checked, name }, type: 0, length, contents, guard: null, facts }),
        name,
      );
    } catch (error) {
      if (!(error instanceof ExistsError) || checked.name !== null) throw error;
    }
  }
}

const revivers = new Map<string, (block: Block) => SharedObject>();

/** Says how blocks made by a class come back from their handles and names. */
export function registerBlockClass(className: string, revive: (block: Block) => SharedObject): void {
  revivers.set(className, revive);
}

function reviveBlock(opened: Opened): SharedObject {
  const parts = openBytes('memory', opened.ref);
  const { class: className, name } = (parts.meta ?? {}) as Partial<BlockFacts>;
  const revive = revivers.get(className ?? '');
  if (revive !== undefined && typeof name === 'string' && parts.length <= parts.buffer.byteLength)
    return revive(new Block(parts, name));
  parts.attachment.close();
  throw new CorruptSegmentError(`Cannot open shared memory: it was made by ${inspect(className)}, which is not known`);
}

/** Opens a block by name as an object of the class that made it, which must be the one that is asked for. */
export function openBlock<T extends SharedObject>(
  Class: (abstract new (...args: never[]) => T) & { readonly name: string },
  name: string,
): T {
  const facade = reviveBlock(openByName('memory', checkName(name, `open ${Class.name}`)));
  if (facade instanceof Class) return facade;
  facade.close();
  throw new KindError(`Cannot open ${Class.name}: ${name} is a ${facade.constructor.name}`);
}

/**
 * A block of bytes in shared memory. It always has a name, by which any process can open it, and a handle.
 *
 * Its pages are reserved when it is created: a full `/dev/shm` is an error then and not later. Attaching never destroys;
 * the block goes when its last user has closed it or died, and `unlink()` removes only the name.
 */
export class SharedMemory extends Facade {
  /** The name for `open()`. */
  readonly #name: string;
  readonly #at: Attachment;
  readonly #buffer: Buffer<ArrayBuffer>;

  /**
   * As {@link create}.
   *
   * @throws RangeError, TypeError (ERR_MULTIPROC_ARGUMENT) for a bad size or name; ExistsError when the name is taken; NoSpaceError.
   */
  constructor(options: SharedMemoryOptions);
  /** @internal */
  // oxlint-disable-next-line typescript/unified-signatures -- one is public, the other is not
  constructor(block: Block);
  constructor(source: SharedMemoryOptions | Block) {
    const block = source instanceof Block ? source : create(source);
    super(block.attachment);
    this.#at = block.attachment;
    this.#name = block.name;
    this.#buffer = Buffer.from(block.buffer, 0, block.length);
    exposeMemory(block.buffer, this, block.attachment);
  }

  /** Creates a block of `size` zeros; `name` is made up when it is absent. */
  static create(options: SharedMemoryOptions): SharedMemory {
    return new SharedMemory(options);
  }

  /**
   * Opens the block of that name.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when there is none; VersionError, CorruptSegmentError when it cannot be used.
   */
  static open(name: string): SharedMemory {
    return openBlock(SharedMemory, name);
  }

  /** Opens the block of that name, or creates it; `size` then counts. Two processes may do so at once. */
  static openOrCreate(name: string, options: Omit<SharedMemoryOptions, 'name'>): SharedMemory {
    return openOrCreate(
      () => SharedMemory.open(name),
      () => new SharedMemory({ ...options, name }),
    );
  }

  /** The name for `open()`. */
  get name(): string {
    return this.#name;
  }

  /** Bytes, as asked for at creation. */
  get size(): number {
    return this.#buffer.length;
  }

  /**
   * The memory, live. It stays usable for as long as it is reachable, also after `close()`; views of it travel to other
   * processes as live memory.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED).
   */
  get buffer(): Buffer<ArrayBuffer> {
    this.#at.assertOpen('use SharedMemory');
    return this.#buffer;
  }

  override [describe](): string {
    return `<SharedMemory ${inspect(this.#name)} size=${this.size}>`;
  }
}

function create(options: unknown): Block {
  if (typeof options !== 'object' || options === null) {
    throw argumentTypeError(
      `Cannot create SharedMemory: expected options such as { size: 4096 }, received ${inspect(options)}`,
    );
  }
  const size = checkSize((options as Partial<SharedMemoryOptions>).size);
  return createBlock('SharedMemory', options, size, size);
}

function checkSize(size: unknown): number {
  // What Python leaves to the system is a wrong argument here, whatever its type.
  const checked = typeof size === 'number' ? size : NaN;
  return checkInteger(checked, 1, constants.MAX_LENGTH, 'size', 'create SharedMemory');
}

registerBlockClass('SharedMemory', (block) => new SharedMemory(block));
registerKind('memory', reviveBlock);

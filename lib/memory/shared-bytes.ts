/**
 * Making and opening the objects that are plain memory: what is kept with them, and the checks when they are opened.
 */
import { argumentRangeError, CorruptSegmentError } from '../errors.js';
import { call, Kind, native } from '../internal/native.js';
import { type Attachment, attachCore, type checkCreateOptions, Core } from '../internal/shared-object.js';
import { MemoryLock } from './memory-lock.js';

/** Kinds of objects that are plain memory. */
export type MemoryKind = 'value' | 'array' | 'memory';

/** Native code keeps at most this much text with an object. */
const longestMeta = 2000;

/** What is kept with an object as JSON. */
interface Meta {
  /** Handle of the lock that guards it. */
  readonly lock?: string;
}

/** What an object of this kind is in this environment: it keeps its lock for as long as anybody here needs the object. */
class MemoryCore extends Core {
  /** `undefined` until it is known, `null` for none. */
  guard: MemoryLock | null | undefined;
  #uses = 0;

  override retain(): void {
    this.#uses += 1;
    super.retain();
  }

  override release(): void {
    this.#uses -= 1;
    super.release();
    // Also the last message in transit has arrived: its receiver has attached the lock for itself.
    if (this.#uses === 0) this.guard?.close();
  }
}

/** A new object before it is attached. */
export interface NewBytes {
  readonly options: ReturnType<typeof checkCreateOptions>;
  /** Number of its element type. */
  readonly type: number;
  /** Number of its elements. */
  readonly length: number;
  /** The bytes that it has from the moment that others can open it, or how many zeros. */
  readonly contents: Uint8Array | number;
  readonly guard: MemoryLock | null;
  /** Further facts, kept as JSON; `null` for none. */
  readonly facts: object | null;
}

/** What is known about an object's memory once it is attached. */
export interface MemoryParts {
  readonly attachment: Attachment;
  readonly buffer: ArrayBuffer;
  /** Number of its element type. */
  readonly type: number;
  /** Number of its elements. */
  readonly length: number;
  readonly guard: MemoryLock | null;
  readonly meta: unknown;
}

/** Creates an object. */
export function createBytes(
  kind: MemoryKind,
  { options, type, length, contents, guard, facts }: NewBytes,
): MemoryParts {
  try {
    const meta = guard === null ? facts : { lock: guard.lock.handle, ...facts };
    const text = meta === null ? null : JSON.stringify(meta);
    if (text !== null && Buffer.byteLength(text) > longestMeta) {
      throw argumentRangeError(
        `Cannot create ${kind}: its description takes ${Buffer.byteLength(text)} bytes, more than ${longestMeta}`,
      );
    }
    const [byteLength, initial] = typeof contents === 'number' ? [contents, null] : [contents.length, contents];
    const ref = call(() =>
      native.create(Kind[kind], options.name, type, length, byteLength, text, options.maxParticipants, initial),
    );
    return attachBytes(kind, ref, guard);
  } catch (error) {
    guard?.close();
    throw error;
  }
}

/** Attaches the object of a ref that native code gave. */
export function openBytes(kind: MemoryKind, ref: number): MemoryParts {
  return attachBytes(kind, ref, undefined);
}

function attachBytes(kind: MemoryKind, ref: number, guard: MemoryLock | null | undefined): MemoryParts {
  const attachment = attachCore(ref, (fresh) => new MemoryCore(fresh, kind));
  const { core } = attachment;
  try {
    native.parameters(ref);
    const [type = 0, length = 0] = native.out;
    const meta = parseMeta(native.meta(ref), kind);
    core.guard ??= guard === undefined ? reviveLock(meta, kind) : guard;
    return { attachment, buffer: call(() => native.buffer(ref)), type, length, guard: core.guard, meta };
  } catch (error) {
    attachment.close();
    throw error;
  }
}

function reviveLock(meta: unknown, kind: MemoryKind): MemoryLock | null {
  const lock = (meta as Meta | null)?.lock;
  return lock === undefined ? null : MemoryLock.revive(lock, kind);
}

function parseMeta(text: string, kind: MemoryKind): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CorruptSegmentError(`Cannot open ${kind}: its description is damaged`, { cause });
  }
}

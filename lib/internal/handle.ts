/**
 * Handles: the text by which a shared object travels, and its way back to an object of the right class.
 *
 * A handle is `multiproc:<kind>:<address>`. Kinds are known here by name only: each class registers its own reviver.
 */
import { inspect } from 'node:util';
import { argumentTypeError, CorruptSegmentError, StateError } from '../errors.js';
import { setSharedObjectHooks, type SharedView } from './codec/shared-objects.js';
import { call, Kind, type KindName, native } from './native.js';
import { loadRest } from './rest.js';
import { attachmentOf, type CompositeKind, type Core, Opened, type SharedObject } from './shared-object.js';
import { closedError } from './status-error.js';

/** Makes the facade for a freshly attached ref. */
export type Reviver = (opened: Opened) => SharedObject;

const revivers = new Map<KindName, Reviver>();

/** Says how objects of a kind come back from their handles; called once by the module of each class. */
export function registerKind(kind: KindName, revive: Reviver): void {
  revivers.set(kind, revive);
}

const compositeRevivers = new Map<CompositeKind, (address: string) => SharedObject>();

/** Says how objects made of several come back from the address in their handles. */
export function registerCompositeKind(kind: CompositeKind, revive: (address: string) => SharedObject): void {
  compositeRevivers.set(kind, revive);
}

const handlePattern = /^multiproc:([a-z]{1,32}):([!-~]{1,512})$/;

function isKindName(name: string): name is KindName {
  return Object.hasOwn(Kind, name);
}

function handleText(handle: unknown): string {
  if (typeof handle === 'string') return handle;
  if (typeof handle === 'object' && handle !== null && 'handle' in handle && typeof handle.handle === 'string') {
    return handle.handle;
  }
  throw argumentTypeError(
    `Cannot attach: a handle is a text or an object with one, received ${inspect(handle, { depth: 0 })}`,
  );
}

/**
 * Turns a handle back into a live object, whatever way it came: `process.send`, an environment variable, a command line
 * argument, `workerData`. Attaching again gives another object that behaves as the same one; each is closed by itself.
 *
 * Inside the library's own messages (queue items, arguments) objects come back by themselves.
 *
 * @param handle the text, or anything with a `handle` property: a shared object, or what arrives when one was sent.
 * @returns an object of the class that the handle was made from.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT) if it is no handle; NotFoundError (ERR_MULTIPROC_NOT_FOUND) when the object is
 *   gone; VersionError, CorruptSegmentError, NoSpaceError when it is there and cannot be used.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what was sent
export function attach<T extends SharedObject = SharedObject>(handle: string | { readonly handle: string }): T {
  const text = handleText(handle);
  const match = handlePattern.exec(text);
  const kind = match?.[1] ?? '';
  const address = match?.[2] ?? '';
  if (!compositeRevivers.has(kind as CompositeKind) && !revivers.has(kind as KindName)) loadRest();
  const reviveComposite = compositeRevivers.get(kind as CompositeKind);
  if (reviveComposite !== undefined) return reviveComposite(address) as T;
  if (!isKindName(kind)) throw argumentTypeError(`Cannot attach: not a handle, received ${inspect(text)}`);
  const revive = revivers.get(kind);
  if (revive === undefined) throw new StateError(`Cannot attach: the class for ${kind} objects is not loaded`);
  const ref = call(() => native.attach(Kind[kind], address));
  // Which class it is, is the caller's knowledge; the kind in the handle decides.
  return revive(new Opened(ref)) as T;
}

const memories = new WeakMap<ArrayBufferLike, Core>();

/** Makes views of `buffer`, the memory of a value, array or memory object, travel as live memory. */
export function registerMemory(buffer: ArrayBuffer, core: Core): void {
  memories.set(buffer, core);
}

/**
 * Keeps an object open for as long as its memory can be reached, where nobody but the views of that memory knows it.
 */
const keepers = new WeakMap<ArrayBuffer, SharedObject>();

/** The core whose memory `object` is or views; `undefined` for all other objects. */
export function coreOf(object: object): Core | undefined {
  const attachment = attachmentOf(object);
  if (attachment !== undefined) return attachment.core;
  return ArrayBuffer.isView(object) ? memories.get(object.buffer) : undefined;
}

const viewTypes = {
  Buffer: (memory: ArrayBuffer, offset: number, length: number) => Buffer.from(memory, offset, length),
  DataView: (memory: ArrayBuffer, offset: number, length: number) => new DataView(memory, offset, length),
  Int8Array: (memory: ArrayBuffer, offset: number, length: number) => new Int8Array(memory, offset, length),
  Uint8Array: (memory: ArrayBuffer, offset: number, length: number) => new Uint8Array(memory, offset, length),
  Uint8ClampedArray: (memory: ArrayBuffer, offset: number, length: number) =>
    new Uint8ClampedArray(memory, offset, length),
  Int16Array: (memory: ArrayBuffer, offset: number, length: number) => new Int16Array(memory, offset, length),
  Uint16Array: (memory: ArrayBuffer, offset: number, length: number) => new Uint16Array(memory, offset, length),
  Int32Array: (memory: ArrayBuffer, offset: number, length: number) => new Int32Array(memory, offset, length),
  Uint32Array: (memory: ArrayBuffer, offset: number, length: number) => new Uint32Array(memory, offset, length),
  BigInt64Array: (memory: ArrayBuffer, offset: number, length: number) => new BigInt64Array(memory, offset, length),
  BigUint64Array: (memory: ArrayBuffer, offset: number, length: number) => new BigUint64Array(memory, offset, length),
  Float32Array: (memory: ArrayBuffer, offset: number, length: number) => new Float32Array(memory, offset, length),
  Float64Array: (memory: ArrayBuffer, offset: number, length: number) => new Float64Array(memory, offset, length),
} as const;

function isViewType(type: string): type is keyof typeof viewTypes {
  return Object.hasOwn(viewTypes, type);
}

/** Which of {@link viewTypes} a view is: subclasses travel as what they extend. */
function viewTypeOf(view: ArrayBufferView): string {
  if (Buffer.isBuffer(view)) return 'Buffer';
  if (view instanceof DataView) return 'DataView';
  return (view as unknown as { readonly [Symbol.toStringTag]: string })[Symbol.toStringTag];
}

/**
 * How a value travels when it is shared: the handle of a live object, or the place of a live view. `undefined`: it is not shared.
 *
 * @throws ClosedError for an object that was closed.
 */
function describeShared(object: object): string | SharedView | undefined {
  if (!ArrayBuffer.isView(object)) return describeFacade(object);
  // Every Buffer that is sent comes by here: one look-up must do for those that are not shared.
  const core = memories.get(object.buffer);
  if (core === undefined) return undefined;
  const facade = describeFacade(object);
  if (facade !== undefined) return facade;
  if (core.left) throw closedError('send a view of shared memory');
  const length = 'length' in object && typeof object.length === 'number' ? object.length : object.byteLength;
  return { handle: core.handle, type: viewTypeOf(object), byteOffset: object.byteOffset, length };
}

function describeFacade(object: object): string | undefined {
  const attachment = attachmentOf(object);
  attachment?.assertOpen(`send ${object.constructor.name}`);
  return attachment?.core.handle;
}

/** The reverse of {@link describeShared}. @throws as {@link attach}; CorruptSegmentError for an impossible view. */
function reviveShared(shared: string | SharedView): object {
  if (typeof shared === 'string') return attach(shared);
  const { handle, type, byteOffset, length } = shared;
  if (!isViewType(type))
    throw new CorruptSegmentError(`Cannot receive a view of shared memory: unknown type ${inspect(type)}`);
  const facade = attach(handle);
  const core = coreOf(facade);
  if (core === undefined)
    throw new CorruptSegmentError(`Cannot receive a view of shared memory: ${handle} has no memory`);
  const memory = native.buffer(core.ref);
  registerMemory(memory, core);
  try {
    const view = viewTypes[type](memory, byteOffset, length);
    if (keepers.has(memory)) facade.close();
    else keepers.set(memory, facade);
    return view;
  } catch (error) {
    facade.close();
    throw new CorruptSegmentError(`Cannot receive a view of shared memory: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

setSharedObjectHooks({ describe: describeShared, revive: reviveShared });

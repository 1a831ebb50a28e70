/**
 * What all shared objects have in common.
 *
 * A **facade** is the user's object (a Lock, a Queue): it can be closed by itself, and everything but its handle is
 * hidden. A **core** is what this environment knows about the shared object behind it: one per ref, shared by all
 * facades. An **attachment** ties one facade to its core.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError, ExistsError, NotFoundError } from '../errors.js';
import { call, Kind, type KindName, native, WaitQueue } from './native.js';
import { closedError } from './status-error.js';
import { WaitLine } from './wait.js';

/** What every shared object offers. */
export interface SharedObject extends Disposable {
  /**
   * Text that any other process can `attach()`: valid while the object lives. The only own enumerable property, so it
   * arrives as `{ handle }` when the object goes through `process.send` or JSON.
   */
  readonly handle: string;
  /** True after `close()`. */
  readonly closed: boolean;
  /**
   * Lets go of the object in this process; others are not disturbed. Waits that were started through it reject
   * with ClosedError, and so does every later operation. Closing twice does nothing.
   */
  close(): void;
  /**
   * Removes the object's name: nobody can open or attach it any more, who has it keeps it.
   *
   * @returns false if the name had gone before.
   * @throws ClosedError (ERR_MULTIPROC_CLOSED).
   */
  unlink(): boolean;
}

/** Options that creating any shared object takes. */
export interface CreateOptions {
  /**
   * Makes the object openable by this name: 1 to 200 of the characters `A-Z a-z 0-9 . _ -`. Absent: only
   * reachable through its handle.
   */
  readonly name?: string | undefined;
  /**
   * How many threads, over all processes, may have a named object open at the same time; 1 to 1,023, default 256.
   */
  readonly maxParticipants?: number | undefined;
}

/** Kinds of objects that are made of several, each of which native code knows by itself. */
export type CompositeKind = 'connection' | 'proxy' | 'channel' | 'reader' | 'writer' | 'redis';

/** What this environment knows about one shared object. Subclasses add the state that their kind needs in-process. */
export class Core {
  readonly ref: number;
  readonly handle: string;
  /** Who waits for the object's main wait queue. */
  readonly main: WaitLine;
  #uses = 0;

  constructor(ref: number, kind: KindName | CompositeKind, address: string = native.address(ref)) {
    this.ref = ref;
    this.handle = `multiproc:${kind}:${address}`;
    this.main = new WaitLine(ref, WaitQueue.main);
  }

  /** True when the last user in this environment has let go of it. */
  get left(): boolean {
    return this.#uses === 0;
  }

  /** How many keep it open in this environment: facades, holds, messages in transit. */
  get uses(): number {
    return this.#uses;
  }

  /** Keeps the object open for one more user: a facade, a hold, a message in transit. */
  retain(): void {
    this.#uses += 1;
  }

  /** One user less; the last one leaves the shared object. */
  release(): void {
    this.#uses -= 1;
    if (this.#uses === 0) this.leave();
  }

  /** After the last user. */
  protected leave(): void {
    cores.delete(this.ref);
    native.close(this.ref);
  }

  /** Rejects the waits that a facade started. Kinds with more wait lines override it. */
  abandon(facade: SharedObject, error: () => Error): void {
    this.main.abandon(facade, error);
  }
}

const cores = new Map<number, Core>();

/** Ties one facade to its core. */
export class Attachment<C extends Core = Core> {
  /** The ref; -1 once closed, which native code answers with `Status.Closed`: hot paths need no check of their own. */
  ref: number;
  readonly core: C;

  constructor(core: C) {
    core.retain();
    this.core = core;
    this.ref = core.ref;
  }

  get closed(): boolean {
    return this.ref < 0;
  }

  /** @throws ClosedError when closed. */
  assertOpen(action: string): void {
    if (this.ref < 0) throw closedError(action);
  }

  /** Idempotent. Without a facade (it was forgotten) there is nothing that could be waiting. */
  close(facade?: SharedObject): void {
    if (this.ref < 0) return;
    this.ref = -1;
    if (facade !== undefined) this.core.abandon(facade, () => closedError(`wait for ${facade.constructor.name}`));
    this.core.release();
  }
}

/**
 * A ref that native `create`, `open` or `attach` has just given: the argument that makes a class's constructor adopt an existing
 * object instead of creating one.
 */
export class Opened {
  readonly ref: number;
  constructor(ref: number) {
    this.ref = ref;
  }
}

/**
 * Attaches a facade to the core of `ref`, made by `makeCore` when this is the first facade.
 * Takes over the count that native code gave with the ref.
 */
export function attachCore<C extends Core>(ref: number, makeCore: (ref: number) => C): Attachment<C> {
  const known = cores.get(ref);
  if (known !== undefined) {
    native.close(ref);
    // A ref has one kind, and a kind has one core class.
    return new Attachment(known as C);
  }
  let core: C;
  try {
    core = makeCore(ref);
  } catch (error) {
    native.close(ref);
    throw error;
  }
  cores.set(ref, core);
  return new Attachment(core);
}

const forgotten = new FinalizationRegistry<Attachment>((attachment) => {
  attachment.close();
});

/** Closes the attachment when the facade is forgotten without `close()`. */
function closeWhenForgotten(facade: SharedObject, attachment: Attachment): void {
  forgotten.register(facade, attachment, attachment);
}

/** Closes a facade's attachment on the user's behalf. */
export function closeFacade(facade: SharedObject, attachment: Attachment): void {
  if (attachment.closed) return;
  forgotten.unregister(attachment);
  attachment.close(facade);
}

let readAttachment: (object: object) => Attachment | undefined;

const adopted = new WeakMap<object, Attachment>();

/** Makes {@link attachmentOf} know a facade that cannot extend {@link Facade}: a typed array or a function. */
export function adoptFacade(facade: SharedObject, attachment: Attachment): void {
  adopted.set(facade, attachment);
  closeWhenForgotten(facade, attachment);
}

/** The attachment of a facade; `undefined` for anything else, at the price of a brand check. */
export function attachmentOf(object: object): Attachment | undefined {
  return readAttachment(object) ?? (mayBeAdopted(object) ? adopted.get(object) : undefined);
}

/** Typed arrays and functions are facades by being adopted. */
function mayBeAdopted(object: object): boolean {
  return ArrayBuffer.isView(object) || typeof object === 'function';
}

/** Base class of all facades but arrays, which must be typed arrays, and ends of channels, which can be called. */
export abstract class Facade implements SharedObject {
  readonly handle: string;
  readonly #attachment: Attachment;

  constructor(attachment: Attachment) {
    this.handle = attachment.core.handle;
    this.#attachment = attachment;
    closeWhenForgotten(this, attachment);
  }

  static {
    readAttachment = (object) => (#attachment in object ? object.#attachment : undefined);
  }

  get closed(): boolean {
    return this.#attachment.ref < 0;
  }

  close(): void {
    closeFacade(this, this.#attachment);
  }

  unlink(): boolean {
    this.#attachment.assertOpen(`unlink ${this.constructor.name}`);
    return call(() => native.unlink(this.#attachment.ref));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The facts that Python's repr shows, for example `<Semaphore(value=2)>`. Never throws. */
  toString(): string {
    // A prototype has the method too, and debuggers show prototypes.
    if (!(#attachment in this)) return `<${Object.prototype.toString.call(this)}>`;
    if (this.closed) return `<${this.constructor.name} closed>`;
    try {
      return this[describe]();
    } catch (error) {
      return `<${this.constructor.name} (${error instanceof Error ? error.message : String(error)})>`;
    }
  }

  [inspect.custom](): string {
    return this.toString();
  }

  /** What `toString()` shows while the object is open; may throw. @internal */
  abstract [describe](): string;
}

/** Key of the method behind `toString()`. */
export const describe: unique symbol = Symbol('describe');

const namePattern = /^[A-Za-z0-9._-]{1,200}$/;

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function checkName(name: unknown, action: string): string {
  if (typeof name !== 'string')
    throw argumentTypeError(`Cannot ${action}: name must be a string, received ${inspect(name)}`);
  if (!namePattern.test(name)) {
    throw argumentRangeError(`Cannot ${action}: name must be 1 to 200 of A-Z a-z 0-9 . _ -, received ${inspect(name)}`);
  }
  return name;
}

/** Checks that options are an object or absent, and the two options of {@link CreateOptions}. */
export function checkCreateOptions(
  options: CreateOptions | null | undefined,
  action: string,
): { name: string | null; maxParticipants: number } {
  if (options === undefined || options === null) return { name: null, maxParticipants: 0 };
  if (typeof options !== 'object') {
    throw argumentTypeError(`Cannot ${action}: options must be an object, received ${inspect(options)}`);
  }
  const { name, maxParticipants } = options;
  if (maxParticipants !== undefined) checkInteger(maxParticipants, 1, 1023, 'maxParticipants', action);
  return { name: name === undefined ? null : checkName(name, action), maxParticipants: maxParticipants ?? 0 };
}

/** @throws TypeError when not a number, RangeError when not an integer from `min` to `max` (ERR_MULTIPROC_ARGUMENT). */
export function checkInteger(value: unknown, min: number, max: number, what: string, action: string): number {
  if (typeof value !== 'number') {
    throw argumentTypeError(`Cannot ${action}: ${what} must be a number, received ${inspect(value)}`);
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    throw argumentRangeError(
      `Cannot ${action}: ${what} must be an integer from ${min} to ${max}, received ${inspect(value)}`,
    );
  }
  return value;
}

/** Opens an object of a kind by name. */
export function openByName(kind: KindName, name: unknown): Opened {
  const checked = checkName(name, `open ${kind}`);
  return new Opened(call(() => native.open(Kind[kind], checked)));
}

/**
 * Opens what exists, else creates it; whoever loses a race against another process starts over.
 */
export function openOrCreate<T>(open: () => T, create: () => T): T {
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
    try {
      return create();
    } catch (error) {
      if (!(error instanceof ExistsError)) throw error;
    }
  }
}

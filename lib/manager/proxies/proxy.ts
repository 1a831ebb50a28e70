/**
 * Proxy: an object in a manager, as its users see it.
 */
import { inspect } from 'node:util';
import { argumentTypeError, StateError } from '../../errors.js';
import { Attachment, describe, Facade } from '../../internal/shared-object.js';
import { rejected } from '../../internal/wait.js';
import { forEver, parseWait, type Wait, type WaitOptions } from '../../internal/wait-options.js';
import { closedProxyError } from '../manager-client.js';
import { LONGEST_NAME } from '../messages.js';
import type { ProxyCore } from '../proxy-core.js';

const none: readonly unknown[] = [];

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
function checkMethod(name: unknown): void {
  // Each character has three bytes at most.
  if (typeof name === 'string' && name !== '' && name.length * 3 <= LONGEST_NAME) return;
  throw argumentTypeError(
    `Cannot call a method: its name must be a text of 1 to 85 characters, received ${inspect(name)}`,
  );
}

/** Milliseconds that `toString()` waits for the contents. */
const LONGEST_LOOK = 2000;

/**
 * Base class of all proxies.
 *
 * Every operation is one message to the manager and one back, and returns a promise. Any number of them may be under way; those of one thread begin in
 * the order in which they were called. Arguments and results are copies; shared objects and other proxies among them stay shared. Operations
 * reject with BrokenPipeError (ERR_MULTIPROC_BROKEN_PIPE) when the manager has ended, or ends before it has answered, and with ClosedError when the proxy is closed.
 *
 * A proxy travels by every route. The manager keeps the object as long as any process has a proxy of it, or one is under way.
 */
export abstract class BaseProxy extends Facade {
  readonly #at: Attachment<ProxyCore>;
  #known: string | undefined;

  /** @internal */
  constructor(attachment: Attachment<ProxyCore>) {
    super(attachment);
    this.#at = attachment;
  }

  /** Name of the kind of object. */
  get typeid(): string {
    return this.#at.core.address.typeid;
  }

  /** Number of the object in its manager. @internal */
  get objectId(): number {
    return this.#at.core.address.id;
  }

  /**
   * Calls any method by its name; what the methods do, too. Python's `_callmethod`.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when the object exposes no such method; TypeError (ERR_MULTIPROC_ARGUMENT) for what is no name; what the
   *   method throws, as it was thrown there.
   */
  callMethod(method: string, args: readonly unknown[] = [], options?: WaitOptions | null): Promise<unknown> {
    let wait: Wait = forEver;
    if (this.#at.closed) return rejected(closedProxyError());
    try {
      checkMethod(method);
      if (options !== undefined) wait = parseWait(options);
    } catch (error) {
      return rejected(error);
    }
    return this.#at.core.client.call(this.objectId, method, args, wait, this);
  }

  /** As {@link callMethod}, blocking the thread. @throws StateError (ERR_MULTIPROC_STATE) when the manager is on another machine. */
  callMethodSync(method: string, args: readonly unknown[] = [], options?: WaitOptions | null): unknown {
    const { timeout } = parseWait(options);
    checkMethod(method);
    if (this.#at.closed) throw closedProxyError();
    const { callSync } = this.#at.core.client;
    if (callSync === undefined)
      throw new StateError(`Cannot call '${method}' so that the thread waits: the manager is reached over a socket`);
    return callSync(this.objectId, method, args, timeout);
  }

  /** A managed object has no name to remove. @throws StateError (ERR_MULTIPROC_STATE). */
  override unlink(): boolean {
    throw new StateError('Cannot unlink the object: its manager keeps it as long as it is used');
  }

  /**
   * The contents, as Python's `print(proxy)` shows them: asked for while the thread waits, for two seconds at most (while a manager owes an earlier answer, 100 ms), and
   * where that is not possible as they were last known here. Never throws.
   */
  [describe](): string {
    try {
      const contents = this.closed
        ? undefined
        : this.#at.core.client.callSync?.(this.objectId, 'toString', [], LONGEST_LOOK, LONGEST_LOOK);
      if (typeof contents === 'string') this.#known = contents;
    } catch {
      // It has ended, is stopped, or is busy.
    }
    return (this.#known ??= inspect(this));
  }

  /** Such as `<ListProxy typeid='list' id=3>`. @internal */
  override [inspect.custom](): string {
    return this.closed
      ? `<${this.constructor.name} closed>`
      : `<${this.constructor.name} typeid='${this.typeid}' id=${this.objectId}>`;
  }

  /** Calls a method of which the result is known to be a `T`. */
  protected ask<T>(method: string, args: readonly unknown[] = none, options?: WaitOptions | null): Promise<T> {
    return this.callMethod(method, args, options) as Promise<T>;
  }
}

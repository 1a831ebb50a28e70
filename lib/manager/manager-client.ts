/**
 * ManagerClient: this thread's calls to one manager.
 */
import { ClosedError, ShutDownError } from '../errors.js';
import { ignoreAbort, listenToAbort } from '../internal/abort-listeners.js';
import { rejected } from '../internal/wait.js';
import { forEver, type Wait } from '../internal/wait-options.js';
import { MANAGER, type Reply, RequestFrame } from './messages.js';
import { goneError } from './local-route.js';
import type { OpenLine, Route } from './route.js';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly owner: object | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (() => void) | undefined;
  /** Makes the error of a call whose proxy was closed meanwhile. */
  abandoned: (() => Error) | undefined;
}

/** So many answers are taken before others have their turn. */
const TURN = 256;

/**
 * Any number of calls may be under way; each is answered when it is done. They begin in the order in which they are made. While there are any, the
 * thread is kept alive.
 */
export class ManagerClient {
  readonly #route: Route;
  readonly #forget: (() => void)[];
  readonly #pending = new Map<number, Pending>();
  #open: OpenLine | undefined;
  /** Why no call can be made any more. */
  #gone: (() => Error) | undefined;
  #isReading = false;
  #number = 0;
  #users = 0;

  /** @param forget called when nobody uses it any more. */
  constructor(route: Route, forget: () => void) {
    this.#route = route;
    this.#forget = [forget];
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  /** Also to be called when nobody uses it any more. */
  onForgotten(forget: () => void): void {
    this.#forget.push(forget);
  }

  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    for (const forget of this.#forget) forget();
    this.#open?.accepted();
    this.#open?.line.close();
    this.#route.close();
  }

  /** Does anything go to the manager? */
  get isConnected(): boolean {
    return this.#open !== undefined && this.#gone === undefined;
  }

  /**
   * Calls a method; the arguments are copied before this returns.
   *
   * @param owner whose `abandon` ends it.
   * @throws BrokenPipeError when the manager has ended; NotTransferableError; what the method throws; `signal.reason`.
   */
  call(
    object: number,
    method: string,
    args: readonly unknown[],
    wait: Wait = forEver,
    owner?: object,
  ): Promise<unknown> {
    if (this.#gone !== undefined) return rejected(this.#gone());
    this.#open ??= this.#route.open(this.#end);
    const number = this.#nextNumber();
    const { signal } = wait;
    return new Promise((resolve, reject) => {
      const onAbort =
        signal === undefined
          ? undefined
          : (): void => {
              // The answer tells whether it has been done after all.
              this.#send(new RequestFrame(number, object, '', [], 0), number);
            };
      this.#pending.set(number, { resolve, reject, owner, signal, onAbort, abandoned: undefined });
      if (onAbort !== undefined) listenToAbort(signal, onAbort);
      this.#send(new RequestFrame(number, object, method, args, wait.timeout), number);
      if (!this.#isReading) void this.#read();
    });
  }

  /** Calls a method of the manager itself without waiting for an answer; nothing happens when it has ended. */
  tell(method: string, args: readonly unknown[]): void {
    if (!this.isConnected) return;
    this.#send(new RequestFrame(0, MANAGER, method, args, 0), 0);
  }

  /** As {@link call}, blocking the thread. @throws StateError where that is not possible. */
  get callSync(): Route['callSync'] {
    return this.#route.callSync;
  }

  /** Calls off the calls of an owner. Each ends when the manager has answered: what has been done after all is not lost. */
  abandon(owner: object, error: () => Error): void {
    for (const [number, pending] of this.#pending) {
      if (pending.owner !== owner || pending.abandoned !== undefined) continue;
      pending.abandoned = error;
      // The line is needed that long.
      this.retain();
      this.#send(new RequestFrame(number, MANAGER, '', [], 0), number);
    }
  }

  #nextNumber(): number {
    do this.#number = (this.#number + 1) >>> 0;
    while (this.#number === 0 || this.#pending.has(this.#number));
    return this.#number;
  }

  #send(frame: RequestFrame, number: number): void {
    const fail = (error: unknown): void => {
      this.#take(number)?.reject(this.#gone?.() ?? (error instanceof ShutDownError ? goneError() : error));
    };
    try {
      this.#open?.line.send(frame)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      while (this.#pending.size > 0 && this.#open !== undefined) {
        const { line } = this.#open;
        await line.ready();
        for (let count = 0; count < TURN; count++) {
          const reply = line.tryGet();
          if (reply === undefined) break;
          this.#settle(reply);
        }
        if (line.over) this.#end();
      }
    } catch {
      this.#end();
    } finally {
      this.#isReading = false;
    }
  }

  #settle(reply: Reply): void {
    this.#open?.accepted();
    const pending = this.#take(reply.call);
    if (pending === undefined) return;
    try {
      const value = reply.value();
      if (!reply.failed) pending.resolve(value);
      else pending.reject(value === undefined ? withdrawalReason(pending) : value);
    } catch (error) {
      pending.reject(error);
    }
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    if (pending === undefined) return undefined;
    this.#pending.delete(number);
    if (pending.onAbort !== undefined) ignoreAbort(pending.signal, pending.onAbort);
    // When the answer has been dealt with.
    if (pending.abandoned !== undefined)
      queueMicrotask(() => {
        this.release();
      });
    return pending;
  }

  readonly #end = (error?: Error): void => {
    if (this.#gone !== undefined) return;
    this.#gone = error === undefined ? goneError : (): Error => error;
    this.#open?.accepted();
    for (const number of [...this.#pending.keys()]) this.#take(number)?.reject(this.#gone());
    // Ends the wait of who reads.
    this.#open?.line.close();
  };
}

/** Why a call was called off. */
function withdrawalReason({ signal, abandoned }: Pending): unknown {
  return signal?.aborted === true ? signal.reason : abandoned?.();
}

/** The error of a call through a proxy that was closed. */
export function closedProxyError(): ClosedError {
  return new ClosedError('Cannot call the manager: the proxy is closed');
}

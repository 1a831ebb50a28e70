/**
 * Session: one line of a client, from the server's side.
 */
import { NotTransferableError, RemoteError, ShutDownError } from '../errors.js';
import { textsOf } from '../processes/remote-error.js';
import { Call } from './call.js';
import type { Client } from './client-record.js';
import { Handover } from './handover.js';
import type { Line } from './line.js';
import { ReplyFrame, type Request } from './messages.js';
import { Withdrawn } from './withdrawal.js';

/** So many requests of one line are dealt with before others have their turn; waiting lets the event loop turn once in a while. */
const TURN = 64;

/** Does what requests ask for, in the order in which they come; those that have to wait are answered later. */
export class Session {
  readonly #line: Line<Request>;
  readonly #client: Client;
  readonly #perform: (request: Request, call: Call) => unknown;
  /** Calls that are not answered yet, by their numbers. */
  readonly #pending = new Map<number, Call>();
  /** The last answer, when there was no room for it yet. */
  #sending: Promise<void> | undefined;

  constructor(line: Line<Request>, client: Client, perform: (request: Request, call: Call) => unknown) {
    this.#line = line;
    this.#client = client;
    this.#perform = perform;
  }

  /** Until the line is over. @throws what makes it useless. */
  async run(): Promise<void> {
    for (;;) {
      await this.#line.ready();
      for (let count = 0; count < TURN; count++) {
        const request = this.#line.tryGet();
        if (request === undefined) break;
        this.#accept(request);
      }
      if (this.#line.over) return;
      // Who does not take its answers gets no more of them.
      if (this.#sending === undefined) continue;
      await this.#sending;
      this.#sending = undefined;
    }
  }

  /** Nobody waits for answers any more. */
  end(): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of pending) call.withdraw();
  }

  #accept(request: Request): void {
    const { call: number, method, timeout } = request;
    if (method === '') {
      this.#pending.get(number)?.withdraw();
      return;
    }
    const call = new Call(this.#client, timeout);
    let result: unknown;
    try {
      result = this.#perform(request, call);
    } catch (error) {
      this.#answer(number, true, error);
      return;
    }
    if (!(result instanceof Promise)) {
      this.#answer(number, false, result);
      return;
    }
    this.#pending.set(number, call);
    result.then(
      (value) => {
        if (this.#pending.delete(number)) this.#answer(number, false, value);
        else if (value instanceof Handover) value.proxy[Symbol.dispose]();
      },
      (error: unknown) => {
        if (this.#pending.delete(number)) this.#answer(number, true, error);
      },
    );
  }

  #answer(number: number, failed: boolean, result: unknown): void {
    const isHandover = result instanceof Handover;
    if (number !== 0) this.#send(number, failed, isHandover ? result.proxy : result);
    if (isHandover) result.proxy[Symbol.dispose]();
  }

  #send(number: number, failed: boolean, value: unknown): void {
    try {
      const sending = this.#line.send(new ReplyFrame(number, failed, toTravel(failed, value)));
      // Nobody is there any more, which the next look at the line tells.
      if (sending !== undefined) this.#sending = sending.catch(() => undefined);
    } catch (error) {
      if (!(error instanceof ShutDownError)) this.#send(number, true, substitute(failed, value, error));
    }
  }
}

/** A call that was called off is answered with nothing: its client knows why. */
function toTravel(failed: boolean, value: unknown): unknown {
  return failed && value instanceof Withdrawn ? undefined : value;
}

/** What can travel instead. */
function substitute(failed: boolean, value: unknown, error: unknown): Error {
  if (!failed && error instanceof NotTransferableError) return error;
  const { text, stack } = textsOf(failed ? value : error);
  return new RemoteError(text, { remoteStack: stack });
}

/**
 * LocalRoute: the way to a manager on this machine. A client hands the server one end of a pipe through the server's door.
 */
import { BrokenPipeError, DeadlockError, Full, ShutDownError, TimeoutError } from '../errors.js';
import type { Connection } from '../channels/connection.js';
import { Pipe } from '../channels/pipe.js';
import { now } from '../internal/clock.js';
import { releaseConsumed } from '../internal/transit.js';
import { SLICE } from '../internal/wait.js';
import { ownClientId } from './identity.js';
import { type Reply, replyDecoder, RequestFrame } from './messages.js';
import { RingLine } from './ring-line.js';
import type { OpenLine, Route } from './route.js';

/** Bytes of each direction of a line. */
const CAPACITY = 1024 * 1024;

/** Milliseconds that a call with a limit of its own waits while the manager owes the answer to the one before. */
const LONGEST_WHILE_OWED = 100;

/** What comes through a door. */
export interface Hello {
  readonly id: string;
  readonly pid: number;
  readonly line: Connection;
}

let served: string | undefined;

/** This thread serves the manager behind the door, so it cannot wait for itself. */
export function serveHere(door: Connection): void {
  served = door.handle;
}

/** The error of whoever calls a manager that has ended. */
export function goneError(): BrokenPipeError {
  return new BrokenPipeError('Cannot call the manager: it has ended');
}

function lateError(): TimeoutError {
  return new TimeoutError('Cannot call the manager: it did not answer in time');
}

/** Everybody may hold a door; the manager alone has its other end, so the door tells of the manager's death. */
export class LocalRoute implements Route {
  readonly #door: Connection;
  #syncLine: RingLine<Reply> | undefined;
  #isAccepted = false;
  #calls = 0;
  /** The last one was sent, and not answered yet. */
  #isOwed = false;

  /** Takes the door over. */
  constructor(door: Connection) {
    this.#door = door;
  }

  open(gone: (error?: Error) => void): OpenLine {
    const watch = new AbortController();
    const line = this.#open((sending) => {
      sending.catch(() => {
        gone();
      });
    });
    const { signal } = watch;
    this.#door.poll({ signal }).then(
      () => {
        gone();
      },
      () => undefined,
    );
    return {
      line,
      accepted: () => {
        // To abort again would make an error each time.
        if (!signal.aborted) watch.abort();
      },
    };
  }

  readonly callSync = (
    object: number,
    method: string,
    args: readonly unknown[],
    timeout: number,
    patience = Infinity,
  ): unknown => {
    if (this.#door.closed) throw goneError();
    if (this.#door.handle === served)
      throw new DeadlockError('Cannot call the manager so that the thread waits: this is the thread that would answer');
    const line = (this.#syncLine ??= this.#open((sending) => void sending.catch(() => undefined)));
    // A manager that is stopped costs the whole of it once, however often one asks.
    const longest = patience < Infinity && this.#isOwed ? LONGEST_WHILE_OWED : patience;
    this.#calls = (this.#calls + 1) >>> 0 || 1;
    const deadline = longest === Infinity ? Infinity : now() + longest;
    try {
      line.sendSync(new RequestFrame(this.#calls, object, method, args, timeout), { timeout: longest });
    } catch (error) {
      if (error instanceof Full) throw lateError();
      throw error instanceof ShutDownError ? goneError() : error;
    }
    this.#isOwed = true;
    const reply = this.#answer(line, deadline);
    const value = reply.value();
    if (reply.failed) throw value as Error;
    return value;
  };

  close(): void {
    this.#syncLine?.close();
    this.#door.close();
    // A line that nobody has let in, and nobody will.
    releaseConsumed();
  }

  /** The answer to the last call; those to earlier ones, which nobody waited for, may come first. */
  #answer(line: RingLine<Reply>, deadline: number): Reply {
    for (;;) {
      const reply = line.tryGet();
      if (reply !== undefined) {
        this.#isAccepted = true;
        if (reply.call !== this.#calls) continue;
        this.#isOwed = false;
        return reply;
      }
      if (line.over || (!this.#isAccepted && this.#door.pollSync({ timeout: 0 }))) throw goneError();
      const left = deadline - now();
      if (left <= 0) throw lateError();
      line.readySync(Math.min(left, SLICE));
    }
  }

  #open(watch: (sending: Promise<void>) => void): RingLine<Reply> {
    const [mine, theirs] = Pipe({ capacity: CAPACITY });
    const hello: Hello = { id: ownClientId(), pid: process.pid, line: theirs };
    watch(this.#door.send(hello));
    theirs.close();
    return new RingLine(mine, replyDecoder);
  }
}

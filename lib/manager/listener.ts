/**
 * Listener: waits for clients at an address.
 */
import type { Server, Socket } from 'node:net';
import { inspect } from 'node:util';
import { CorruptSegmentError, NotTransferableError, StateError, TimeoutError } from '../errors.js';
import { builtin } from '../internal/builtin.js';
import { registerClass } from '../internal/codec/registered-classes.js';
import { checkInteger } from '../internal/shared-object.js';
import { closedError } from '../internal/status-error.js';
import { rejected } from '../internal/wait.js';
import { type Observed, observed } from '../internal/waitable.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import { logger } from '../processes/logger.js';
import {
  type Address,
  type AddressFamily,
  addressOf,
  addressText,
  addressToListenAt,
  removeTemporary,
} from './address.js';
import { checkAuthkey } from './authentication.js';
import { type ConnectionOptions, checkConnectionOptions } from './connection-options.js';
import { admit, limit } from './handshake.js';
import { Line } from './trial-line.js';
import { networkError } from './network-error.js';
import { remoteAddressOf, SocketConnection } from './socket-connection.js';

/** Options of a {@link Listener}. */
export interface ListenerOptions extends ConnectionOptions {
  /**
   * Where to listen: `{ host, port }`, port 0 for any that is free; or a path for a Unix socket. Default: a new path in the folder for temporary files, in a folder that only this user
   * may enter, which is removed at the end.
   */
  readonly address?: Address | null | undefined;
  /** Which kind of address, when none is given: `'AF_UNIX'`, or `'AF_INET'` for any free port of 127.0.0.1. */
  readonly family?: AddressFamily | null | undefined;
  /** Connections that the system keeps before this process looks at them; default 128. */
  readonly backlog?: number | undefined;
  /** Clients that may be about to prove that they know the key; beyond it the oldest is dropped. Default 64. */
  readonly maxStrangers?: number | undefined;
}

/**
 * Waits for clients at an address, and gives a {@link SocketConnection} to each that proves to know the key, and to which it has proved the same.
 *
 * - **Strangers** (another key, another language, silence, too many) are dropped and logged at level `debug`: `accept` neither fails nor waits because of them. Nothing is read of what they send beyond 64 bytes.
 * - **The key** is a secret of both sides and never travels. What is sent afterwards is neither encrypted nor signed: use it where nobody listens in, or through a tunnel.
 * - Clients are let in as soon as they come, while `accept` is pending or anything else keeps the program running; a listener by itself does not.
 * - **Death** of the process closes its socket; the file of a Unix socket stays then, and a path that was given has to be removed before it can be listened at again.
 *
 * ```js
 * const listener = await new Listener({ address: { host: '127.0.0.1', port: 0 }, authkey }).listening();
 * console.log(listener.address.port);
 * for await (const connection of listener) await connection.send('hello');
 * ```
 */
export class Listener implements AsyncIterable<SocketConnection>, Disposable {
  readonly #server: Server;
  readonly #wanted: Address;
  readonly #isTemporary: boolean;
  readonly #key: Uint8Array;
  readonly #limits: ReturnType<typeof checkConnectionOptions>;
  readonly #maxStrangers: number;
  readonly #strangers = new Set<Socket>();
  readonly #accepted: SocketConnection[] = [];
  readonly #line: Line;
  readonly #startLine: Line;
  readonly #watchers = new Set<() => void>();
  #address: Address | undefined;
  #lastAccepted: Address | null = null;
  #failure: Error | undefined;
  #closed = false;

  /**
   * Begins to listen. For a network address that takes a moment: see {@link listening}.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT).
   */
  constructor(options?: ListenerOptions | null) {
    const { address, family, authkey, backlog = 128, maxStrangers = 64 } = options ?? {};
    this.#limits = checkConnectionOptions(options, 'listen');
    this.#key = checkAuthkey(authkey, 'listen');
    checkInteger(backlog, 1, 65_535, 'backlog', 'listen');
    this.#maxStrangers = checkInteger(maxStrangers, 1, 65_535, 'maxStrangers', 'listen');
    const keepAlive = (): void => {
      this.#keepLoopAlive();
    };
    this.#line = new Line(keepAlive);
    this.#startLine = new Line(keepAlive);
    this.#wanted = addressToListenAt(address, family);
    this.#isTemporary = typeof this.#wanted === 'string' && this.#wanted !== address;
    const server = (this.#server = builtin.net.createServer((socket) => {
      void this.#meet(socket);
    }));
    server.on('listening', () => {
      this.#begin();
    });
    server.on('error', (error) => {
      this.#fail(error);
    });
    server.listen(typeof this.#wanted === 'string' ? { path: this.#wanted, backlog } : { ...this.#wanted, backlog });
    // Of a path it is known already.
    if (server.listening) this.#begin();
    server.unref();
  }

  /**
   * Where it listens, with the port that was found.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) when that is not known yet: see {@link listening}; ClosedError.
   */
  get address(): Address {
    this.#assertOpen('look at the address of Listener');
    if (this.#address === undefined)
      throw new StateError('Cannot look at the address of Listener: it does not listen yet, await listening()');
    return this.#address;
  }

  /** Address of the client that was accepted last; `null` when there was none, or over a Unix socket. */
  get lastAccepted(): Address | null {
    return this.#lastAccepted;
  }

  /** Has {@link close} been called? */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Waits until it listens.
   *
   * @returns the listener itself.
   * @throws ExistsError (ERR_MULTIPROC_EXISTS) when somebody listens there already, or there is a file of that path; PermissionError, SystemError; ClosedError; TimeoutError; `signal.reason`.
   */
  listening(options?: WaitOptions | null): Promise<this> {
    return this.#wait(this.#startLine, options, () => (this.#address === undefined ? undefined : { value: this }));
  }

  /**
   * Waits for the next client.
   *
   * @param options how long to wait; default: for ever.
   * @throws TimeoutError (ERR_MULTIPROC_TIMEOUT); ClosedError; ExistsError and others as {@link listening}; `signal.reason`, and then no client was taken.
   */
  accept<Receives = unknown, Sends = Receives>(
    options?: WaitOptions | null,
  ): Promise<SocketConnection<Receives, Sends>> {
    return this.#wait(this.#line, options, () => {
      const connection = this.#accepted.shift() as SocketConnection<Receives, Sends> | undefined;
      if (connection === undefined) return undefined;
      this.#lastAccepted = connection.remoteAddress;
      return { value: connection };
    });
  }

  /** Clients as they come, until the listener is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SocketConnection, void, undefined> {
    while (!this.#closed) {
      let connection: SocketConnection;
      try {
        connection = await this.accept();
      } catch (error) {
        if (this.closed) return;
        throw error;
      }
      yield connection;
    }
  }

  /** Stops listening. Clients that were not accepted are dropped, accepted ones stay; what is pending rejects with ClosedError. Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    this.#removeFolder();
    process.off('exit', this.#atExit);
    for (const socket of this.#strangers) socket.destroy();
    for (const connection of this.#accepted.splice(0)) connection.close();
    const error = (): Error => closedError('use Listener');
    this.#line.fail(error);
    this.#startLine.fail(error);
    this.#tellWatchers();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Such as `<Listener 127.0.0.1:6000>`. */
  toString(): string {
    return `<Listener ${addressText(this.#address ?? this.#wanted)}${this.#closed ? ' closed' : ''}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  /** @internal A client. */
  [observed](): Observed {
    this.#assertOpen('accept');
    return {
      isReady: () => {
        this.#assertOpen('accept');
        return this.#accepted.length > 0 || this.#failure !== undefined;
      },
      subscribe: (notify, signal) => {
        const changed = (): void => {
          notify();
        };
        this.#watchers.add(changed);
        this.#keepLoopAlive();
        signal.addEventListener('abort', () => {
          this.#watchers.delete(changed);
          this.#keepLoopAlive();
        });
      },
    };
  }

  readonly #atExit = (): void => {
    this.close();
  };

  #wait<T>(
    line: Line,
    options: WaitOptions | null | undefined,
    trial: () => { readonly value: T } | undefined,
  ): Promise<T> {
    try {
      this.#assertOpen('accept');
      return line.wait(
        parseWait(options),
        () => {
          if (this.#failure !== undefined) throw this.#failure;
          return trial();
        },
        late,
      );
    } catch (error) {
      return rejected(error);
    }
  }

  #begin(): void {
    if (this.#address !== undefined || this.#closed) return;
    const bound = this.#server.address();
    this.#address = bound === null ? this.#wanted : addressOf(bound);
    if (this.#isTemporary) process.once('exit', this.#atExit);
    this.#startLine.serve();
  }

  /** It could not begin; what goes wrong later concerns one client only. */
  #fail(error: Error): void {
    if (this.#address !== undefined) {
      logger.debug('listener %s: %s', addressText(this.#address), error.message);
      return;
    }
    this.#failure = networkError(error, `listen at ${addressText(this.#wanted)}`);
    this.#removeFolder();
    this.#startLine.serve();
    this.#line.serve();
    this.#tellWatchers();
  }

  #removeFolder(): void {
    if (this.#isTemporary) removeTemporary(this.#wanted as string);
  }

  /** Lets a client in that knows the key. Never rejects. */
  async #meet(socket: Socket): Promise<void> {
    const remote = remoteAddressOf(socket);
    // What it is about is read where it matters; without a listener it would end the process.
    socket.on('error', () => undefined);
    socket.unref();
    this.#makeRoom();
    this.#strangers.add(socket);
    const { handshakeTimeout, maxMessage } = this.#limits;
    const unlimit = limit(socket, handshakeTimeout, 'accept a connection');
    try {
      await admit(socket, this.#key);
      // It may have been closed meanwhile.
      if (socket.destroyed) return;
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE);
      this.#accepted.push(new SocketConnection(socket, maxMessage, remote));
    } catch (error) {
      logger.debug('listener %s has dropped %s: %s', addressText(this.#wanted), addressText(remote), error);
      // Who has another key is told so first.
      if (socket.writableLength === 0 || !socket.writableEnded) socket.destroy();
      else socket.once('finish', () => socket.destroy());
      return;
    } finally {
      unlimit();
      this.#strangers.delete(socket);
    }
    this.#line.serve();
    this.#tellWatchers();
  }

  #makeRoom(): void {
    if (this.#strangers.size < this.#maxStrangers) return;
    const [oldest] = this.#strangers;
    oldest?.destroy();
    if (oldest !== undefined) this.#strangers.delete(oldest);
  }

  #tellWatchers(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #keepLoopAlive(): void {
    if (this.#line.pending > 0 || this.#startLine.pending > 0 || this.#watchers.size > 0) this.#server.ref();
    else this.#server.unref();
  }

  #assertOpen(action: string): void {
    if (this.#closed) throw closedError(action);
  }
}

/** Milliseconds of silence after which the system asks whether the other machine is still there. */
export const KEEP_ALIVE = 30_000;

function late(): never {
  throw new TimeoutError('Cannot accept: no client came within the time');
}

registerClass('multiproc.Listener', Listener, {
  toData(): never {
    throw new NotTransferableError('Cannot send a value: a Listener belongs to its process', { path: '' });
  },
  fromData: (): never => {
    throw new CorruptSegmentError('Cannot receive a Listener: it belongs to its process');
  },
});

/**
 * SocketRoute: the way to a manager that is reached by its address.
 */
import type { Address } from './address.js';
import { Client } from './client.js';
import { ownClientId } from './identity.js';
import { replyDecoder } from './messages.js';
import type { OpenLine, Route } from './route.js';
import type { SocketConnection } from './socket-connection.js';
import { SocketLine } from './socket-line.js';

/** Milliseconds that connecting may take. */
const CONNECTING = 30_000;

/** What a client says first over a socket. */
export interface SocketHello {
  readonly id: string;
  readonly pid: number;
}

/** The connection is made when it is first needed. */
export class SocketRoute implements Route {
  readonly #address: Address;
  readonly #authkey: Uint8Array | undefined;

  /** @param authkey default: this process's. */
  constructor(address: Address, authkey: Uint8Array | undefined) {
    this.#address = address;
    this.#authkey = authkey;
  }

  open(gone: (error: Error) => void): OpenLine {
    const connecting = this.#connect();
    connecting.catch(gone);
    return { line: new SocketLine(connecting, replyDecoder), accepted: () => undefined };
  }

  close(): void {
    // The line is closed by whoever opened it.
  }

  async #connect(): Promise<SocketConnection> {
    const connection = await Client(this.#address, { authkey: this.#authkey ?? null, timeout: CONNECTING });
    const hello: SocketHello = { id: ownClientId(), pid: process.pid };
    await connection.send(hello);
    return connection;
  }
}

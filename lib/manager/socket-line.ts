/**
 * SocketLine: a line over a socket.
 */
import type { MessageDecoder } from '../channels/incoming.js';
import { type Frame, Payload } from '../channels/outgoing.js';
import type { Line } from './line.js';
import type { SocketConnection } from './socket-connection.js';

/** So many frames that have arrived are taken at once. */
const TURN = 64;

/** A line to another machine, or to a process that shares no memory with this one. */
export class SocketLine<T> implements Line<T> {
  readonly #connecting: Promise<SocketConnection>;
  readonly #decoder: MessageDecoder<T>;
  readonly #arrived: T[] = [];
  #over = false;

  /** Takes the connection over. What is sent before it is there waits. */
  constructor(connecting: Promise<SocketConnection>, decoder: MessageDecoder<T>) {
    this.#connecting = connecting;
    this.#decoder = decoder;
    connecting.catch(() => undefined);
  }

  get over(): boolean {
    return this.#over && this.#arrived.length === 0;
  }

  async ready(): Promise<void> {
    if (this.#arrived.length > 0 || this.#over) return;
    try {
      const connection = await this.#connecting;
      do this.#accept(await connection.recvBytes());
      while (this.#arrived.length < TURN && connection.poll());
    } catch {
      // Whatever it is, nothing comes any more.
      this.#over = true;
    }
  }

  tryGet(): T | undefined {
    return this.#arrived.shift();
  }

  async send(frame: Frame): Promise<void> {
    const payload = new Payload(frame.payload);
    const bytes = Buffer.concat([frame.head, payload.body]);
    // Nobody over there can attach to what lives in this machine's memory; managed objects have holders instead.
    payload.drop();
    const connection = await this.#connecting;
    await connection.sendBytes(bytes);
  }

  close(): void {
    this.#over = true;
    this.#connecting.then(
      (connection) => {
        connection.close();
      },
      () => undefined,
    );
  }

  #accept(bytes: Buffer): void {
    this.#arrived.push(this.#decoder.decode(bytes, 0, bytes.length, true));
  }
}

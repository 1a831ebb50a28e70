/**
 * RingLine: a line over the two rings of a pipe.
 */
import type { Connection } from '../channels/connection.js';
import type { ConnectionAttachment } from '../channels/connection-core.js';
import { FrameRing } from '../channels/frame-ring.js';
import type { MessageDecoder } from '../channels/incoming.js';
import type { Frame } from '../channels/outgoing.js';
import type { QueueCore } from '../channels/queue-core.js';
import { type Attachment, attachmentOf } from '../internal/shared-object.js';
import type { WaitOptions } from '../internal/wait-options.js';
import type { Line } from './line.js';

/** A line over a pipe. The kernel tells of the other side's death. */
export class RingLine<T> implements Line<T> {
  readonly #connection: Connection;
  readonly #incoming: FrameRing<T>;
  readonly #outgoing: FrameRing;

  /** Takes the end of the pipe over. */
  constructor(connection: Connection, decoder: MessageDecoder<T>) {
    const { receiving, sending } = attachmentOf(connection) as ConnectionAttachment;
    this.#connection = connection;
    this.#incoming = new FrameRing(connection, receiving as Attachment<QueueCore>, decoder);
    this.#outgoing = new FrameRing(connection, sending as Attachment<QueueCore>);
  }

  get over(): boolean {
    return this.#incoming.over || this.#connection.closed;
  }

  ready(): Promise<void> {
    return this.#incoming.ready();
  }

  /** Blocks the thread for at most so many milliseconds, and not longer than for a slice; looks whether the other side has died. */
  readySync(waitMs: number): void {
    this.#incoming.readySync(waitMs);
    this.#incoming.reap();
  }

  tryGet(): T | undefined {
    return this.#incoming.tryGet();
  }

  send(frame: Frame): Promise<void> | undefined {
    return this.#outgoing.tryPut(frame) ? undefined : this.#outgoing.put(frame);
  }

  /** As {@link send}, blocking the thread. */
  sendSync(frame: Frame, options: WaitOptions): void {
    this.#outgoing.putSync(frame, options);
  }

  close(): void {
    this.#connection.close();
  }
}

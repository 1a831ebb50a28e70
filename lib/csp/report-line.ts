/**
 * ReportLine: what a started process returns, received while that process lives: ends among it would be gone with it.
 */
import type { Connection } from '../channels/connection.js';
import { doBetweenSlices } from '../internal/wait.js';

/** What a process sends when it has returned. */
export interface Report {
  readonly value: unknown;
}

const open = new Set<ReportLine>();

// This thread may be blocked in waiting for the process, which waits for it in turn.
doBetweenSlices(() => {
  for (const line of open) line.look();
});

/** From the start of a process to what is known of its end. */
export class ReportLine {
  readonly #connection: Connection<Report>;
  #outcome: (() => Report) | undefined;

  /** Takes the connection over; closing it lets the process end that has sent ends. */
  constructor(connection: Connection<Report>) {
    this.#connection = connection;
    open.add(this);
    const look = (): void => {
      this.look();
    };
    // Rejected when it is closed first.
    connection.poll(null).then(look, look);
  }

  /** Receives, if there is something. */
  look(): void {
    if (!open.has(this)) return;
    try {
      if (!this.#connection.poll()) return;
      const report = this.#connection.recvSync({ timeout: 0 });
      this.#outcome = () => report;
    } catch (error) {
      // Nobody is left who could send: it has not come to that.
      if ((error as { code?: unknown }).code !== 'ERR_MULTIPROC_EOF')
        this.#outcome = () => {
          throw error;
        };
    }
    this.close();
  }

  close(): void {
    if (open.delete(this)) this.#connection.close();
  }

  /** `undefined` when it has sent none. @throws why what it sent could not be received. */
  get report(): Report | undefined {
    this.look();
    return this.#outcome?.();
  }
}

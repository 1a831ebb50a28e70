/**
 * Client: one thread of a process that uses the manager, over however many lines.
 */

/** Who something belongs to. Compared by identity; ends when its last line has ended. */
export class Client {
  /** Chosen by the thread itself; no other has it. */
  readonly id: string;
  readonly pid: number;
  /** Lines that it has open. */
  lines = 0;

  constructor(id: string, pid: number) {
    this.id = id;
    this.pid = pid;
  }
}

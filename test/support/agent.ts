/**
 * A process that does what it is told with shared objects: most tests need no fixture of their own.
 */
import { type Serializable } from 'node:child_process';
import { type SharedObject } from 'multiproc';
import { Child, type ChildOptions } from './run-child.js';

interface Reply {
  readonly id: number;
  readonly ok: boolean;
  readonly result: unknown;
}

/** What an agent's failed call rejects with: the facts of the error there. */
export class AgentError extends Error {
  readonly code: unknown;

  constructor({ name, code, message }: { readonly name: string; readonly code: unknown; readonly message: string }) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** A process that calls methods of shared objects. Calls that do not block it may overlap. */
export class Agent {
  readonly child: Child;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  constructor(options: ChildOptions = {}) {
    this.child = new Child('agent.mjs', options);
    void this.#read();
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Calls a method of the object there, attached once per handle. */
  call<T>(object: SharedObject | string, method: string, ...args: Serializable[]): Promise<T> {
    return this.#ask('call', object, method, args);
  }

  /** Reads a property of the object there. */
  get<T>(object: SharedObject | string, property: string): Promise<T> {
    return this.#ask('get', object, property, []);
  }

  /** Ends the process the normal way, without waiting for anything that is pending there. */
  async end(): Promise<void> {
    this.child.send({ id: 0, what: 'end' });
    const { code, stderr } = await this.child.exit;
    if (code !== 0) throw new Error(`The agent ended with ${String(code)}: ${stderr}`);
  }

  /** Kills the process and waits for its end. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.child.exit;
  }

  async #ask<T>(what: string, object: SharedObject | string, name: string, args: readonly Serializable[]): Promise<T> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answer = new Promise<Reply>((resolve) => this.#pending.set(id, resolve));
    this.child.send({ id, what, handle: typeof object === 'string' ? object : object.handle, name, args });
    const ended = this.child.exit.then((exit): never => {
      throw new Error(`The agent ended during ${name}: ${JSON.stringify(exit)}`);
    });
    const { ok, result } = await Promise.race([answer, ended]);
    if (!ok) throw new AgentError(result as ConstructorParameters<typeof AgentError>[0]);
    return result as T;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const reply = (await this.child.message()) as Reply;
        this.#pending.get(reply.id)?.(reply);
        this.#pending.delete(reply.id);
      }
    } catch {
      // The process has ended: who waits for an answer hears of that.
    }
  }
}

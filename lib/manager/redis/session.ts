/**
 * Session: what this thread is to a Redis engine, as long as its lease lasts.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokenPipeError, MultiprocError, NotFoundError, PermissionError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import { renewalOf } from './anonymous.js';
import { LeaseKeeper } from './lease-keeper.js';
import { LEAVE } from './reap.js';
import { AS_BYTES, connectRedis, isReply, leaseLost, type RedisClient, requireRedis } from './redis-client.js';
import type { Script, ScriptArgument } from './script.js';

/** Milliseconds between attempts while there is no connection. */
const RETRY = 20;

/** Milliseconds more that the first lease has, until there is a thread to renew it. */
const START = 30_000;

/** Where the objects of one manager are. */
export interface EngineAddress {
  /** With the password. */
  readonly url: string;
  /** What all keys begin with; the braces keep them in one slot of a cluster. */
  readonly prefix: string;
  /** Milliseconds after which who cannot be reached has lost what it held. */
  readonly lease: number;
}

/** A client with a lease. When that is lost, so is the session, and what it held. */
export class Session {
  readonly id: string;
  readonly address: EngineAddress;
  readonly #client: RedisClient;
  readonly #lost = new AbortController();
  readonly #keeper: LeaseKeeper;
  readonly #failures = new Set<() => void>();
  #sequence = 0;
  #answered: number[] = [];
  #pending = 0;

  private constructor(id: string, address: EngineAddress, client: RedisClient) {
    this.id = id;
    this.address = address;
    this.#client = client;
    const { url, prefix, lease } = address;
    this.#keeper = new LeaseKeeper(url, `${prefix}S:${id}`, lease, renewalOf(prefix, lease), () => {
      this.#lose();
    });
  }

  /**
   * @param patience milliseconds that the engine may be away, while it is started again perhaps.
   * @throws NotFoundError when it is away for longer; PermissionError.
   */
  static async open(address: EngineAddress, patience: number): Promise<Session> {
    const deadline = now() + patience;
    requireRedis();
    for (;;) {
      try {
        return await Session.#begin(address);
      } catch (error) {
        const isAway = error instanceof NotFoundError || error instanceof BrokenPipeError;
        if (!isAway || now() >= deadline) throw error;
        await pause(RETRY);
      }
    }
  }

  static async #begin(address: EngineAddress): Promise<Session> {
    const client = await connectRedis(address.url);
    try {
      const id = randomBytes(12).toString('hex');
      // In this order: a session that is listed and does not live is dead.
      const renewal = renewalOf(address.prefix, address.lease);
      if (renewal !== undefined) await client.sendCommand(renewal, {});
      const longer = String(address.lease + START);
      await client.sendCommand(['SET', `${address.prefix}S:${id}`, '1', 'PX', longer], {});
      await client.sendCommand(['SADD', `${address.prefix}sessions`, id], {});
      const session = new Session(id, address, client);
      await session.#keeper.begun;
      client.unref();
      return session;
    } catch (error) {
      client.destroy();
      throw isReply(error) ? replyError(error, 'use the engine') : leaseLost('use the engine');
    }
  }

  /** Aborts when the lease is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Runs an operation, once, however often the connection breaks meanwhile.
   *
   * @param id of the object that it is about.
   * @throws BrokenPipeError when the lease is lost first: it may have been done then; NotFoundError when the object is gone.
   */
  async run(script: Script, id: string, args: readonly ScriptArgument[], action: string): Promise<unknown> {
    this.#sequence += 1;
    const sequence = this.#sequence;
    let whole = false;
    this.#enter();
    try {
      for (;;) {
        if (this.lost.aborted) throw leaseLost(action);
        const answered = this.#answered;
        this.#answered = [];
        const { prefix, lease } = this.address;
        const head = whole ? ['EVAL', script.text] : ['EVALSHA', script.sha];
        const frame = [this.id, String(sequence), answered.join(','), String(lease), id];
        try {
          const command = [...head, '1', prefix, ...frame, ...args.map(asArgument)];
          const reply = await this.#orLost(this.#client.sendCommand(command, AS_BYTES), action);
          this.#answered.push(sequence);
          return reply;
        } catch (error) {
          this.#answered.push(...answered);
          if (error instanceof MultiprocError) throw error;
          if (!isReply(error)) await pause(RETRY);
          else if (error.message.startsWith('NOSCRIPT')) whole = true;
          else throw this.#translate(error, action);
        }
      }
    } finally {
      this.#leave();
    }
  }

  /** Runs one command of the server that may be run twice. */
  async command(args: readonly ScriptArgument[], action: string): Promise<unknown> {
    this.#enter();
    try {
      for (;;) {
        if (this.lost.aborted) throw leaseLost(action);
        try {
          return await this.#orLost(this.#client.sendCommand(args.map(asArgument), AS_BYTES), action);
        } catch (error) {
          if (error instanceof MultiprocError) throw error;
          if (isReply(error)) throw this.#translate(error, action);
          await pause(RETRY);
        }
      }
    } finally {
      this.#leave();
    }
  }

  /** Gives back all that it holds. */
  async close(): Promise<void> {
    try {
      if (!this.lost.aborted) await this.run(LEAVE, '', [], 'leave the engine');
    } catch (error) {
      if (!(error instanceof BrokenPipeError)) throw error;
    } finally {
      this.#lose();
    }
  }

  #lose(): void {
    if (this.lost.aborted) return;
    this.#lost.abort(leaseLost('hold what was held'));
    this.#keeper.end();
    for (const fail of [...this.#failures]) fail();
    if (this.#client.isOpen) this.#client.destroy();
  }

  /** A connection that is silent for ever does not answer; the lease ends that. */
  #orLost(reply: Promise<unknown>, action: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#failures.delete(fail);
        reject(leaseLost(action));
      };
      this.#failures.add(fail);
      reply.then(
        (value) => {
          this.#failures.delete(fail);
          resolve(value);
        },
        (error: unknown) => {
          this.#failures.delete(fail);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  #translate(error: Error, action: string): Error {
    if (!/^(?:ERR )?LOST\b/.test(error.message)) return replyError(error, action);
    this.#lose();
    return leaseLost(action);
  }

  /** The program does not end while something is under way. */
  #enter(): void {
    this.#pending += 1;
    if (this.#pending === 1) this.#client.ref();
  }

  #leave(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#client.unref();
  }
}

function asArgument(argument: ScriptArgument): string | Buffer {
  return typeof argument === 'number' ? String(argument) : argument;
}

function replyError(error: Error, action: string): Error {
  const { message } = error;
  if (/^(?:ERR )?GONE\b/.test(message))
    return new NotFoundError(`Cannot ${action}: the object is gone from the engine`);
  if (/^(?:NOAUTH|WRONGPASS|NOPERM)/.test(message))
    return new PermissionError(`Cannot ${action}: ${message}`, { cause: error });
  return new MultiprocError(`Cannot ${action}: the engine says ${message}`, { cause: error });
}

/**
 * Engine: the way of this thread to the objects of one manager in Redis.
 */
import { StateError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import { Latch } from '../../internal/latch.js';
import type { Wait } from '../../internal/wait-options.js';
import { connectRedis, type RedisClient, withoutPassword } from './redis-client.js';
import { REAP } from './reap.js';
import { type EngineAddress, Session } from './session.js';

/** Milliseconds after which who waits looks for himself: for the dead, and for what nobody could tell him. */
const SLICE = 500;
/** Milliseconds that an attempt may still take when the time is over, since what it has done would have to be undone. */
const GRACE = 1_000;

/** An attempt: what it came to, or `undefined` for "not now". */
export type Attempt<T> = (session: Session) => Promise<T | undefined>;

/** What to do with the outcome of an attempt that nobody waits for any more. */
export type Undo<T> = (value: T, session: Session) => Promise<unknown>;

/** Who waits for news of one object. */
class Watch {
  #news = new Latch();

  /** What comes from now on. */
  arm(): Latch {
    return (this.#news = new Latch());
  }

  ring(): void {
    this.#news.open();
  }
}

/** The engine of one manager, as this thread has it. */
export class Engine {
  readonly address: EngineAddress;
  #session: Promise<Session> | undefined;
  #subscriber: Promise<RedisClient> | undefined;
  readonly #watches = new Map<string, Set<Watch>>();
  #reaped = -Infinity;
  #isClosed = false;

  constructor(address: EngineAddress) {
    this.address = address;
  }

  /**
   * The session, a new one when the last one was lost.
   *
   * @param patience milliseconds that the engine may be away when a session begins. Who uses an object may have come while the engine is started again; who
   *   makes a manager wants to know.
   * @throws NotFoundError, PermissionError; StateError after the shutdown.
   */
  async session(patience = this.address.lease): Promise<Session> {
    if (this.#isClosed) throw new StateError('Cannot use a managed object: its manager was shut down');
    if (this.#session !== undefined) {
      const session = await this.#session;
      if (!session.lost.aborted) return session;
    }
    const opening = (this.#session = Session.open(this.address, patience));
    opening.then(
      ({ lost }) => {
        lost.addEventListener('abort', () => {
          this.#unsubscribe();
        });
      },
      () => {
        if (this.#session === opening) this.#session = undefined;
      },
    );
    return opening;
  }

  /** As {@link session}, and waits for no longer than that. @returns `undefined` when the time was over. */
  sessionWithin(wait: Wait): Promise<Session | undefined> {
    return bounded(this.session(), wait, ignore);
  }

  /**
   * Tries until it succeeds or the time is over.
   *
   * @param id of the object whose news are waited for.
   * @param undo when the time is over or the wait is called off while an attempt does not come back.
   * @returns `undefined` when the time was over.
   */
  async wait<T>(id: string, { timeout, signal }: Wait, attempt: Attempt<T>, undo?: Undo<T>): Promise<T | undefined> {
    const deadline = now() + timeout;
    const session = await this.sessionWithin({ timeout, signal });
    if (session === undefined) return undefined;
    let watch: Watch | undefined;
    try {
      for (;;) {
        const news = watch?.arm();
        const tried = await bounded(attempt(session), { timeout: deadline - now(), signal }, (late) =>
          undo?.(late, session),
        );
        if (tried !== undefined) return tried;
        if (now() - this.#reaped >= SLICE) {
          this.#reaped = now();
          await session.run(REAP, '', [], 'wait');
          continue;
        }
        const left = deadline - now();
        if (left <= 0) return undefined;
        signal?.throwIfAborted();
        if (news === undefined) watch = await this.#watch(id);
        else await news.wait({ timeout: Math.min(left, SLICE), signal });
      }
    } finally {
      if (watch !== undefined) this.#unwatch(id, watch);
    }
  }

  /** Leaves the engine: what this thread holds is given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const session = await this.#session?.catch(() => undefined);
    await session?.close();
    this.#unsubscribe();
  }

  async #watch(id: string): Promise<Watch> {
    const watch = new Watch();
    const known = this.#watches.get(id);
    if (known !== undefined) {
      known.add(watch);
      return watch;
    }
    const watches = new Set([watch]);
    this.#watches.set(id, watches);
    try {
      const subscriber = await this.#subscribed();
      await whileAlive(subscriber, () =>
        subscriber.subscribe(`${this.address.prefix}C:${id}`, () => {
          for (const each of this.#watches.get(id) ?? []) each.ring();
        }),
      );
    } catch {
      // Without it everybody looks for himself, at the end of each slice.
      if (this.#watches.get(id) === watches) this.#watches.delete(id);
    }
    return watch;
  }

  async #subscribed(): Promise<RedisClient> {
    const connecting = (this.#subscriber ??= connectRedis(this.address.url));
    try {
      return await connecting;
    } catch (error) {
      if (this.#subscriber === connecting) this.#subscriber = undefined;
      throw error;
    }
  }

  /** It would go on trying to connect for ever, and keep the program from ending. */
  #unsubscribe(): void {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    this.#watches.clear();
    subscriber?.then((client) => {
      if (client.isOpen) client.destroy();
    }, ignore);
  }

  #unwatch(id: string, watch: Watch): void {
    const watches = this.#watches.get(id);
    if (watches?.delete(watch) !== true || watches.size > 0) return;
    this.#watches.delete(id);
    // When the connection is gone, so is what was subscribed to with it. Nobody waits for that.
    this.#subscriber?.then((subscriber) => subscriber.unsubscribe(`${this.address.prefix}C:${id}`)).catch(ignore);
  }
}

/** The program does not end before it is done; who then waits for news keeps it running by himself. */
async function whileAlive(client: RedisClient, action: () => Promise<void>): Promise<void> {
  client.ref();
  try {
    await action();
  } finally {
    client.unref();
  }
}

/** Waits for an attempt, and for not much longer than the time that is left. */
async function bounded<T>(
  attempt: Promise<T | undefined>,
  wait: Wait,
  undo: (late: T) => Promise<unknown> | undefined,
): Promise<T | undefined> {
  if (wait.timeout === Infinity && wait.signal === undefined) return attempt;
  const over = new Latch();
  const settled: { outcome?: { readonly value: T | undefined } | { readonly error: unknown } } = {};
  attempt.then(
    (value) => {
      settled.outcome = { value };
      over.open();
    },
    (error: unknown) => {
      settled.outcome = { error };
      over.open();
    },
  );
  const called = await over
    .wait({ ...wait, timeout: Math.max(wait.timeout, 1) })
    .catch((error: unknown) => ({ error }));
  await over.wait({ timeout: GRACE, signal: undefined });
  const { outcome } = settled;
  if (outcome !== undefined) {
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }
  attempt.then((late) => (late === undefined ? undefined : undo(late))).catch(() => undefined);
  if (typeof called === 'object') throw called.error;
  return undefined;
}

function ignore(): undefined {
  return undefined;
}

const engines = new Map<string, Engine>();
const passwords = new Map<string, string>();

/** How an engine is called in handles: without its password. */
export function engineName({ url, prefix, lease }: EngineAddress): string {
  return `${encodeURIComponent(withoutPassword(url))}/${encodeURIComponent(prefix)}/${lease}`;
}

/** The engine at an address, one for each thread. */
export function engineAt(address: EngineAddress): Engine {
  const name = engineName(address);
  passwords.set(withoutPassword(address.url), address.url);
  let engine = engines.get(name);
  if (engine === undefined) engines.set(name, (engine = new Engine(address)));
  return engine;
}

/** The engine of that name: with the password that is known here, or that the environment has. */
export function engineNamed(url: string, prefix: string, lease: number): Engine {
  return engineAt({ url: passwords.get(url) ?? withEnvironment(url), prefix, lease });
}

/** An address without a password gets that of the environment, if it has one. */
export function withEnvironment(url: string): string {
  if (new URL(url).password !== '') return url;
  const { MULTIPROC_REDIS_USERNAME: username = '', MULTIPROC_REDIS_PASSWORD: password = '' } = process.env;
  const parsed = new URL(url);
  if (username !== '') parsed.username = username;
  parsed.password = password;
  return parsed.href;
}

/** It was shut down; a new one of the same name begins anew. */
export function forgetEngine(engine: Engine): void {
  engines.delete(engineName(engine.address));
}

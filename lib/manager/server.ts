/**
 * Server: keeps a manager's objects, and does what clients ask of them.
 */
import { NotFoundError, StateError } from '../errors.js';
import { now } from '../internal/clock.js';
import { releaseConsumed } from '../internal/transit.js';
import type { Call } from './call.js';
import { Client } from './client-record.js';
import { collectGarbage } from './garbage.js';
import { Handover } from './handover.js';
import { builtInKind, type Kind } from './kinds.js';
import type { Line } from './line.js';
import { MANAGER, type Request } from './messages.js';
import { AsyncResultObject } from './objects/pool-object.js';
import { CustomObject } from './objects/custom-object.js';
import type { ServerObject } from './objects/server-object.js';
import { loadKind, type LoadedKind, type RegisteredKind } from './registration.js';
import { Session } from './session.js';

/** Milliseconds between looks at which objects are not used any more. */
const LOOK_INTERVAL = 1000;
/** Milliseconds for which an object is kept whose last remote holder has let go of it: it may just have told another one of it. */
const HANDOVER = 2000;

/** What keeps an object, and tells whether anybody still uses it. */
export interface Token {
  /** Does anybody but the server use it? */
  readonly used: boolean;
  /** Is it used in this process only: by another object, or by what nobody refers to any more? */
  readonly kept: boolean;
  /** Is it a proxy of the object? */
  names(proxy: unknown): boolean;
  /** What travels to those who are to use it; to be closed when it is on its way. */
  proxy(): Disposable;
  close(): void;
}

/** How tokens are made. */
export type MakeToken = (typeid: string, id: number) => Token;

interface Kept {
  readonly typeid: string;
  readonly object: ServerObject;
  readonly kind: Kind;
  readonly methodToTypeid: Readonly<Record<string, string>>;
  readonly token: Token;
  /** Those who hold it over a line that the kernel does not watch. */
  readonly holders: Set<Client>;
  /** By `now()`. */
  keptUntil: number;
}

/** Counters of a manager. */
export interface ManagerStats {
  /** Objects that it keeps, in all and by kind. */
  readonly objects: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** Threads that are connected. */
  readonly clients: number;
  /** Operations so far. */
  readonly calls: number;
  readonly pid: number;
}

/** The server of one manager. */
export class Server {
  readonly #objects = new Map<number, Kept>();
  readonly #ids = new WeakMap<ServerObject, number>();
  readonly #registered = new Map<string, LoadedKind>();
  readonly #clients = new Map<string, Client>();
  readonly #facts: object;
  readonly #makeToken: MakeToken;
  readonly #onShutdown: () => void;
  #made = 0;
  #calls = 0;
  /** {@link #calls} when the collector ran last. */
  #callsAtSweep = 0;

  /**
   * @param facts what clients are told of it.
   * @param onShutdown a client has asked for the end.
   */
  constructor(facts: object, makeToken: MakeToken, onShutdown: () => void) {
    this.#facts = facts;
    this.#makeToken = makeToken;
    this.#onShutdown = onShutdown;
    setInterval(() => {
      this.#collect();
    }, LOOK_INTERVAL).unref();
  }

  /** @throws what importing the factories' modules throws. */
  async register(kinds: Readonly<Record<string, RegisteredKind>>): Promise<void> {
    for (const [typeid, kind] of Object.entries(kinds)) this.#registered.set(typeid, await loadKind(kind));
  }

  /** Serves one line until it ends. */
  async serve(line: Line<Request>, id: string, pid: number, isWatched: boolean): Promise<void> {
    const client = this.#clients.get(id) ?? new Client(id, pid);
    this.#clients.set(id, client);
    client.lines += 1;
    const session = new Session(line, client, (request, call) => this.#perform(request, call, isWatched));
    try {
      await session.run();
    } catch {
      // What comes in is no request, or nobody is there any more: the line is over.
    } finally {
      line.close();
      session.end();
      client.lines -= 1;
      if (client.lines === 0) this.#clientEnded(client);
    }
  }

  /** Ends what it keeps. */
  async close(): Promise<void> {
    for (const { object } of this.#objects.values()) await object.dispose?.();
  }

  /** What a request asks for. */
  #perform(request: Request, call: Call, isWatched: boolean): unknown {
    this.#calls += 1;
    const { object: id, method } = request;
    if (id === MANAGER) return this.#performOwn(method, request.args(), call, isWatched);
    const kept = this.#objects.get(id);
    if (kept === undefined)
      throw new NotFoundError(`Cannot call '${method}': the manager does not keep the object any more`);
    if (method === 'toString') return kept.object.text();
    if (!kept.kind.exposed.has(method))
      throw new NotFoundError(`Cannot call '${method}': '${kept.typeid}' exposes no such method`);
    const result =
      kept.object instanceof CustomObject
        ? kept.object.callMethod(method, call, request.args())
        : (kept.object as unknown as Record<string, (call: Call, ...args: unknown[]) => unknown>)[method]?.(
            call,
            ...request.args(),
          );
    const typeid = kept.methodToTypeid[method];
    if (result instanceof Promise)
      return typeid === undefined ? result : result.then((value) => this.#keepResult(typeid, value, call, isWatched));
    if (result instanceof AsyncResultObject)
      return this.#keep('AsyncResult', result, this.#kind('AsyncResult'), call, isWatched);
    return typeid === undefined ? result : this.#keepResult(typeid, result, call, isWatched);
  }

  #performOwn(method: string, args: readonly unknown[], call: Call, isWatched: boolean): unknown {
    switch (method) {
      case 'create': {
        const [typeid, ...rest] = args as [string, ...unknown[]];
        const loaded = this.#kind(typeid);
        return this.#keep(
          typeid,
          loaded.kind.make(rest, (proxy) => this.#behind(proxy)),
          loaded,
          call,
          isWatched,
        );
      }
      case 'hold':
        this.#objects.get(Number(args[0]))?.holders.add(call.client);
        return undefined;
      case 'forget':
        this.#forget(Number(args[0]), call.client);
        return undefined;
      case 'stats':
        this.#collect();
        return this.#stats();
      case 'greet':
        return this.#facts;
      case 'shutdown':
        // After the answer.
        setImmediate(this.#onShutdown);
        return undefined;
      default:
        throw new NotFoundError(`Cannot call '${method}': the manager has no such method`);
    }
  }

  #kind(typeid: string): LoadedKind {
    const registered = this.#registered.get(typeid);
    if (registered !== undefined) return registered;
    const kind = builtInKind(typeid);
    if (kind === undefined)
      throw new NotFoundError(`Cannot make '${typeid}': no such kind is registered with the manager`);
    return { kind, methodToTypeid: {} };
  }

  #keepResult(typeid: string, result: unknown, call: Call, isWatched: boolean): Handover {
    const loaded = this.#kind(typeid);
    const object = this.#registered.has(typeid)
      ? CustomObject.made(result)
      : loaded.kind.make([result], (proxy) => this.#behind(proxy));
    return this.#keep(typeid, object, loaded, call, isWatched);
  }

  #keep(typeid: string, object: ServerObject, loaded: LoadedKind, call: Call, isWatched: boolean): Handover {
    const known = this.#ids.get(object);
    const kept = known === undefined ? undefined : this.#objects.get(known);
    if (kept !== undefined) return new Handover(kept.token.proxy());
    this.#made += 1;
    let token: Token;
    try {
      token = this.#makeToken(typeid, this.#made);
    } catch (error) {
      void object.dispose?.();
      throw error;
    }
    this.#ids.set(object, this.#made);
    this.#objects.set(this.#made, {
      typeid,
      object,
      kind: loaded.kind,
      methodToTypeid: loaded.methodToTypeid,
      token,
      // Who has gone meanwhile does not come to let go of it.
      holders: new Set(isWatched || call.client.lines === 0 ? [] : [call.client]),
      keptUntil: 0,
    });
    return new Handover(token.proxy());
  }

  /** The object behind a proxy of this manager. */
  #behind(proxy: unknown): ServerObject | undefined {
    if (proxy === undefined || proxy === null) return undefined;
    const { objectId } = proxy as { readonly objectId?: unknown };
    const kept = typeof objectId === 'number' ? this.#objects.get(objectId) : undefined;
    // An object of another manager may have the same number.
    if (kept?.token.names(proxy) !== true) throw new StateError('Cannot use the object: the manager does not keep it');
    return kept.object;
  }

  #forget(id: number, client: Client): void {
    const kept = this.#objects.get(id);
    if (kept === undefined) return;
    if (kept.holders.delete(client)) kept.keptUntil = now() + HANDOVER;
    this.#dropIfUnused(id, kept);
  }

  #clientEnded(client: Client): void {
    this.#clients.delete(client.id);
    for (const kept of this.#objects.values()) {
      if (kept.holders.delete(client)) kept.keptUntil = now() + HANDOVER;
      kept.object.clientEnded?.(client);
    }
    this.#collect();
  }

  #collect(): void {
    // What has arrived is used by those who got it.
    releaseConsumed();
    for (const [id, kept] of this.#objects) this.#dropIfUnused(id, kept);
    // What refers to an object has changed only if somebody has called since.
    if (this.#calls === this.#callsAtSweep) return;
    for (const { token, holders } of this.#objects.values()) {
      if (holders.size > 0 || !token.kept) continue;
      if (collectGarbage()) this.#callsAtSweep = this.#calls;
      return;
    }
  }

  #dropIfUnused(id: number, kept: Kept): void {
    if (kept.holders.size > 0 || kept.token.used || kept.keptUntil > now()) return;
    this.#objects.delete(id);
    kept.token.close();
    void kept.object.dispose?.();
  }

  #stats(): ManagerStats {
    const kinds: Record<string, number> = {};
    for (const { typeid } of this.#objects.values()) kinds[typeid] = (kinds[typeid] ?? 0) + 1;
    return {
      objects: this.#objects.size,
      kinds,
      clients: this.#clients.size,
      calls: this.#calls,
      pid: process.pid,
    };
  }
}

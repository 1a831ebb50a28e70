/**
 * What all objects in a Redis engine have in common.
 */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { CorruptSegmentError } from '../../errors.js';
import { Decoder, Encoder } from '../../internal/codec/codec.js';
import { registerClass } from '../../internal/codec/registered-classes.js';
import { registerCompositeKind } from '../../internal/handle.js';
import type { SharedObject } from '../../internal/shared-object.js';
import { closedError } from '../../internal/status-error.js';
import type { Managed } from '../interfaces.js';
import { type Engine, engineName, engineNamed } from './engine.js';
import type { Script, ScriptArgument } from './script.js';
import type { Session } from './session.js';

const encoder = new Encoder();
const decoder = new Decoder();

/** A value as the engine keeps it. @throws NotTransferableError. */
export function encodeValue(value: unknown): Buffer {
  const length = encoder.encode(value);
  const head = encoder.scratch.subarray(0, length);
  return encoder.body === null ? Buffer.from(head) : Buffer.concat([head, encoder.body]);
}

/** The reverse of it. */
export function decodeValue(bytes: unknown): unknown {
  if (!Buffer.isBuffer(bytes)) throw new CorruptSegmentError('Cannot receive a value: the engine has something else');
  return decoder.decode(bytes, 0, bytes.length, false);
}

/** How objects are made: of an engine and the name there. */
export type RedisClass = new (engine: Engine, id: string) => RedisObject;

const classes = new Map<string, RedisClass>();

/** Base class of them all. */
export abstract class RedisObject implements Managed {
  readonly handle: string;
  readonly #engine: Engine;
  readonly #id: string;
  #closed = false;

  /** @internal */
  constructor(engine: Engine, id: string) {
    this.#engine = engine;
    this.#id = id;
    this.handle = `multiproc:redis:${engineName(engine.address)}/${this.constructor.name}/${id}`;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Such as `<RedisLock 4f1c…>`. */
  toString(): string {
    return `<${this.constructor.name} ${this.#id.slice(0, 8)}${this.#closed ? ' closed' : ''}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  /** @internal */
  protected get id(): string {
    return this.#id;
  }

  /** @internal @throws ClosedError. */
  protected engine(action: string): Engine {
    if (this.#closed) throw closedError(action);
    return this.#engine;
  }

  /** @internal Where the object is. */
  protected key(kind: string): string {
    return `${this.#engine.address.prefix}${kind}:${this.#id}`;
  }

  /** @internal Runs an operation on the object, once. */
  protected async operate(script: Script, args: readonly ScriptArgument[], action: string): Promise<unknown> {
    const session = await this.engine(action).session();
    return session.run(script, this.#id, args, action);
  }

  /** @internal The same, in a session that is known. */
  protected operateIn(
    session: Session,
    script: Script,
    args: readonly ScriptArgument[],
    action: string,
  ): Promise<unknown> {
    this.engine(action);
    return session.run(script, this.#id, args, action);
  }
}

/** A name that nothing has yet. */
export function newId(): string {
  return randomBytes(12).toString('hex');
}

/** Makes a class known by its name in handles, and lets its objects travel in messages. */
export function registerRedisClass(redisClass: RedisClass): void {
  classes.set(redisClass.name, redisClass);
  registerClass<RedisObject, string>(`multiproc.${redisClass.name}`, redisClass, {
    toData: (object) => object.handle,
    fromData: (handle) => revive(handle.replace(/^multiproc:redis:/, '')),
  });
}

function revive(address: string): RedisObject {
  const [url = '', prefix = '', lease = '', className = '', id = ''] = address.split('/');
  const redisClass = classes.get(className);
  if (redisClass === undefined || !/^(?:[0-9a-f]{24}){1,2}$/.test(id) || !(Number(lease) > 0))
    throw new CorruptSegmentError(`Cannot attach: not the handle of an object in Redis, received ${inspect(address)}`);
  return new redisClass(engineNamed(decodeURIComponent(url), decodeURIComponent(prefix), Number(lease)), id);
}

registerCompositeKind('redis', (address) => revive(address) as unknown as SharedObject);

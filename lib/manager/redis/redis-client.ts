/**
 * The package `redis`, as far as it is used here. It is loaded when somebody asks for the engine, and never before.
 */
import { createRequire } from 'node:module';
import { BrokenPipeError, NotFoundError, PermissionError } from '../../errors.js';

/** A client of the package. */
export interface RedisClient {
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: readonly (string | Buffer)[], options: object): Promise<unknown>;
  subscribe(channel: string, listener: () => void): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  ref(): void;
  unref(): void;
  readonly isOpen: boolean;
}

interface RedisPackage {
  createClient(options: object): RedisClient;
  readonly ErrorReply: abstract new () => Error;
}

/** Longest pause between two attempts to connect again, in milliseconds. */
const LONGEST_PAUSE = 500;
/** Milliseconds that one attempt to connect may take. */
const CONNECT_TIMEOUT = 5_000;

const PACKAGE = 'redis';
const CORE = '@redis/client';
const require = createRequire(import.meta.url);

let loaded: RedisPackage | undefined;

/** The file of the package, for threads that load it themselves. @throws NotFoundError. */
export function redisPackagePath(): string {
  for (const from of [require, createRequire(`${process.cwd()}/`)]) {
    try {
      // The part of it that is needed loads in a fraction of the time.
      return createRequire(from.resolve(PACKAGE)).resolve(CORE);
    } catch {
      // Where the program is, perhaps.
    }
  }
  throw new NotFoundError("Cannot use a Redis engine: the package 'redis' is not installed; run: npm install redis");
}

/** @throws NotFoundError when the package is not installed. */
export function requireRedis(): void {
  redisPackage();
}

function redisPackage(): RedisPackage {
  return (loaded ??= require(redisPackagePath()) as RedisPackage);
}

/** Texts of the server arrive as bytes. */
export const AS_BYTES = { typeMapping: { 36: Buffer } };

/**
 * Connects, and from then on again whenever the connection breaks. Until `unref()` it keeps the program running.
 *
 * @throws NotFoundError when nobody answers there; PermissionError for a wrong password.
 */
export async function connectRedis(url: string): Promise<RedisClient> {
  let isConnected = false;
  const client = redisPackage().createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: CONNECT_TIMEOUT,
      reconnectStrategy: (retries: number, cause: Error) =>
        isConnected ? Math.min(10 * 2 ** Math.min(retries, 10), LONGEST_PAUSE) : cause,
    },
  });
  // Who has something to say by the connection hears of it there.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    if (client.isOpen) client.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    if (/^(?:NOAUTH|WRONGPASS|NOPERM)/.test(reason))
      throw new PermissionError(`Cannot connect to Redis: ${reason}`, { cause: error });
    throw new NotFoundError(`Cannot connect to Redis at ${withoutPassword(url)}: ${reason}`, { cause: error });
  }
  isConnected = true;
  return client;
}

/** Did the server say so? Everything else is the connection's trouble, and may go away. */
export function isReply(error: unknown): error is Error {
  return error instanceof redisPackage().ErrorReply && !/^(?:LOADING|BUSY |TRYAGAIN|MASTERDOWN)/.test(error.message);
}

/** What may be shown and sent. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href.replace(/\/$/, '');
}

/** The error of an operation that has lost its connection for too long. */
export function leaseLost(action: string): BrokenPipeError {
  return new BrokenPipeError(
    `Cannot ${action}: the lease of this process on the engine was lost, since the engine could not be reached in time; what was under way may have been done or not`,
  );
}

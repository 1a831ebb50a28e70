/**
 * Namespaces without a name of their own go when nobody has used them for a time, whatever became of who made them.
 *
 *   multiproc:anonymous   sorted set: what their keys begin with, by the second of the server's clock after which nobody used them
 */
import { isAnonymous } from './engine-options.js';
import type { Session } from './session.js';

const KEY = 'multiproc:anonymous';

/** Seconds without any session after which such a namespace is removed by whoever makes a manager next; and so many leases at least. */
const SPAN = 60;
const LEASES = 6;

const RENEW = "return redis.call('ZADD', KEYS[1], redis.call('TIME')[1] + ARGV[1], ARGV[2])";
const FIND = "return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1])";

/** Keys that are removed with one command. */
const BATCH = 500;

/** The command by which a session says that it uses the namespace; `undefined` for one that has a name. */
export function renewalOf(prefix: string, lease: number): string[] | undefined {
  if (!isAnonymous(prefix)) return undefined;
  const seconds = Math.max(SPAN, Math.ceil((lease * LEASES) / 1000));
  return ['EVAL', RENEW, '1', KEY, String(seconds), prefix];
}

/** Removes those that nobody uses any more. Done by several at once, it is done as well. */
export async function removeUnused(session: Session): Promise<void> {
  const action = 'make a manager';
  const found = ((await session.command(['EVAL', FIND, '1', KEY], action)) as Buffer[]).map(String);
  if (found.length === 0) return;
  const isUnused = (key: Buffer): boolean => found.some((prefix) => key.indexOf(prefix) === 0);
  const keys = (await keysWith(session, 'multiproc:{~*', action)).filter(isUnused);
  await removeKeys((part) => session.command(['UNLINK', ...part], action), keys);
  // At last: whoever dies before has left it to others.
  await session.command(['ZREM', KEY, ...found], action);
}

/** It was shut down. */
export async function forgetNamespace(session: Session, prefix: string): Promise<void> {
  if (isAnonymous(prefix)) await session.command(['ZREM', KEY, prefix], 'shut down Manager');
}

/** All keys of a pattern. */
export async function keysWith(session: Session, pattern: string, action: string): Promise<Buffer[]> {
  let cursor = '0';
  const found: Buffer[] = [];
  do {
    const reply = await session.command(['SCAN', cursor, 'MATCH', pattern, 'COUNT', BATCH], action);
    const [next, keys] = reply as [Buffer, Buffer[]];
    cursor = String(next);
    found.push(...keys);
  } while (cursor !== '0');
  return found;
}

/** Removes them, some hundreds at a time. */
export async function removeKeys(remove: (part: Buffer[]) => Promise<unknown>, keys: readonly Buffer[]): Promise<void> {
  for (let at = 0; at < keys.length; at += BATCH) await remove(keys.slice(at, at + BATCH));
}

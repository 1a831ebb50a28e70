/**
 * Manager(): a manager that has been started.
 */
import { createRedisManager, type RedisManager, type RedisManagerOptions } from './redis/manager.js';
import { type StartOptions, SyncManager, type SyncManagerOptions } from './sync-manager.js';

/** How a manager is made and started. */
export interface ManagerOptions<A extends readonly unknown[] = readonly unknown[]>
  extends SyncManagerOptions, StartOptions<A> {}

/**
 * Starts a process that keeps objects for many users.
 *
 * ```ts
 * await using manager = await Manager();
 * const list = await manager.list([1, 2]);
 * ```
 *
 * @throws as `SyncManager.start`.
 */
export async function Manager<A extends readonly unknown[]>(options?: ManagerOptions<A>): Promise<SyncManager>;
/**
 * A manager whose objects are kept by a Redis server instead, and used from any machine. Needs the package `redis`, which the library does not bring.
 *
 * ```ts
 * await using manager = await Manager({ engine: 'redis://localhost:6379' });
 * const orders = await manager.JoinableQueue();
 * ```
 *
 * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when nobody answers there, or the package is not installed; PermissionError for a wrong password; TypeError, RangeError (ERR_MULTIPROC_ARGUMENT).
 */
export async function Manager(options: RedisManagerOptions): Promise<RedisManager>;
export async function Manager<A extends readonly unknown[]>(
  options: ManagerOptions<A> | RedisManagerOptions = {},
): Promise<SyncManager | RedisManager> {
  if ('engine' in options) return createRedisManager(options);
  const manager = new SyncManager(options);
  await manager.start(options);
  return manager;
}

/**
 * Proxies of pools and of what they work on.
 */
import { addressToSend, type TaskReference } from '../../internal/task-reference.js';
import type { WaitOptions } from '../../internal/wait-options.js';
import type { ManagedAsyncResult, ManagedPool, ManagedTask } from '../interfaces.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/** What becomes of one task of a managed pool. */
export class AsyncResultProxy<R = unknown> extends BaseProxy implements ManagedAsyncResult<R> {
  get(options?: WaitOptions | null): Promise<R> {
    return this.ask('get', [], options);
  }

  wait(options?: WaitOptions | null): Promise<boolean> {
    return this.ask('wait', [], options);
  }

  ready(): Promise<boolean> {
    return this.ask('ready');
  }

  successful(): Promise<boolean> {
    return this.ask('successful');
  }
}

function address(task: ManagedTask): TaskReference {
  return addressToSend(task, 'run a task in the manager');
}

/**
 * A pool that a manager has started: its workers are the manager's, and all who have the proxy use them.
 *
 * ```ts
 * await using manager = await Manager();
 * const pool = await manager.Pool(2);
 * console.log(await pool.map(square, [1, 2, 3])); // [ 1, 4, 9 ]
 * ```
 */
export class PoolProxy extends BaseProxy implements ManagedPool {
  async apply(task: ManagedTask, args: readonly unknown[] = [], options?: WaitOptions | null): Promise<unknown> {
    return this.ask('apply', [address(task), args], options);
  }

  async applyAsync(task: ManagedTask, args: readonly unknown[] = []): Promise<AsyncResultProxy> {
    return this.ask('applyAsync', [address(task), args]);
  }

  async map(
    task: ManagedTask,
    items: Iterable<unknown>,
    options: { readonly chunksize?: number } = {},
  ): Promise<unknown[]> {
    return this.ask('map', [address(task), [...items], { ...options }]);
  }

  async starmap(
    task: ManagedTask,
    items: Iterable<readonly unknown[]>,
    options: { readonly chunksize?: number } = {},
  ): Promise<unknown[]> {
    return this.ask('starmap', [address(task), [...items], { ...options }]);
  }

  /** No more tasks for the pool. The proxy itself is let go of by `using`, or when it is forgotten. */
  // oxlint-disable-next-line typescript/no-misused-promises -- as in Python, what is closed is the pool
  override close(): Promise<void> {
    return this.ask('close');
  }

  terminate(): Promise<void> {
    return this.ask('terminate');
  }

  join(): Promise<void> {
    return this.ask('join');
  }

  override [Symbol.dispose](): void {
    super.close();
  }

  /** Terminates the pool. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
    super.close();
  }
}

registerProxy('AsyncResult', AsyncResultProxy);
registerProxy('Pool', PoolProxy);

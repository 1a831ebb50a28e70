/**
 * What runs a function as a process of CSP, wherever that is: it belongs to its surroundings, and its ends end with it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { PoisonError, RetireError } from '../errors.js';
import type { AnyFunction } from '../internal/task-reference.js';
import { processName } from '../internal/process-name.js';
import { endsIn } from './ends-in.js';

/** A running process of CSP. */
interface Running {
  readonly id: string;
  /** What it has spawned here; never rejected. */
  readonly spawned: Promise<unknown>[];
}

const running = new AsyncLocalStorage<Running>();
let ownId: string | undefined;

/** Makes an id that no other process has. */
export function newProcessId(name: string): string {
  return `${name}:${randomUUID()}`;
}

/** The id of the process of CSP that calls, as its description's `id` says; elsewhere an id of this thread. */
export function currentProcessId(): string {
  return running.getStore()?.id ?? (ownId ??= newProcessId(processName()));
}

/** The process that calls waits for it when it ends. */
export function waitAtEnd(ended: Promise<unknown>): void {
  running.getStore()?.spawned.push(ended);
}

/**
 * Runs the function; afterwards the ends in its arguments have retired, and have been poisoned before if it failed.
 *
 * @returns what it returned; `undefined` when it ended by a RetireError or PoisonError that it did not catch.
 * @throws anything else that it threw.
 */
export async function runProcess(id: string, fn: AnyFunction, args: readonly unknown[]): Promise<unknown> {
  const ends = endsIn(args);
  const store: Running = { id, spawned: [] };
  try {
    return await running.run(store, async () => fn(...(args as never[])));
  } catch (error) {
    if (error instanceof RetireError) return undefined;
    for (const end of ends) end.poison();
    if (error instanceof PoisonError) return undefined;
    throw error;
  } finally {
    for (const end of ends) end.retire();
    // They may need that the ends of this one have retired.
    while (store.spawned.length > 0) await store.spawned.pop();
  }
}

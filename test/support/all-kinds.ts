/**
 * One object of every kind that a manager keeps.
 */
import type { SyncManager } from 'multiproc';
import { type Counter, makeCounter } from '../fixtures/manager-tasks.mjs';

async function make(manager: SyncManager) {
  const all = {
    list: await manager.list(['main']),
    dict: await manager.dict({ main: 0 }),
    set: await manager.set(['main']),
    namespace: await manager.Namespace({ x: 1, y: 10 }),
    queue: await manager.Queue(),
    jobs: await manager.JoinableQueue<string>(),
    lock: await manager.Lock(),
    rlock: await manager.RLock(),
    semaphore: await manager.Semaphore(1),
    bounded: await manager.BoundedSemaphore(2),
    condition: await manager.Condition(),
    event: await manager.Event(),
    barrier: await manager.Barrier(1),
    value: await manager.Value('i', 7),
    array: await manager.Array('i', [0, 1, 2]),
    pool: await manager.Pool(1),
    counter: await manager.create<Counter>('Counter', 40),
  };
  await all.queue.put('for the child');
  await all.jobs.put('work');
  return all;
}

/** Objects by the names of their kinds. */
export type AllKinds = Awaited<ReturnType<typeof make>>;

/** Registers what is needed: before the start. */
export function registerCounter(manager: SyncManager): void {
  manager.register<Counter>('Counter', { factory: makeCounter });
}

/** Makes them, for `use`, and closes them. */
export async function withAllKinds(manager: SyncManager, use: (all: AllKinds) => Promise<void>): Promise<void> {
  const all = await make(manager);
  try {
    await use(all);
  } finally {
    for (const each of Object.values(all)) each[Symbol.dispose]();
  }
}

/** What threads of tests wait for in vain. */
import { Barrier, Condition, type Connection, Event, JoinableQueue, Lock, Pipe, Queue, Semaphore } from 'multiproc';

/** Each of them never comes to what is waited for. */
export interface Things {
  readonly begun: Event;
  readonly empty: Queue;
  readonly full: Queue;
  readonly connection: Connection;
  readonly unfinished: JoinableQueue;
  readonly held: Lock;
  readonly none: Semaphore;
  readonly unset: Event;
  readonly condition: Condition;
  readonly barrier: Barrier;
}

/** Makes them; `close` closes them again. */
export function makeThings(): { readonly things: Things; readonly close: () => void } {
  const [connection, other] = Pipe();
  const things: Things = {
    begun: new Event(),
    empty: new Queue(),
    full: new Queue({ maxsize: 1 }),
    connection,
    unfinished: new JoinableQueue(),
    held: new Lock(),
    none: new Semaphore(0),
    unset: new Event(),
    condition: new Condition(),
    barrier: new Barrier(2),
  };
  things.unfinished.putSync(1);
  things.held.acquireSync();
  const close = (): void => {
    things.held.release();
    for (const thing of [...(Object.values(things) as { close(): void }[]), other]) thing.close();
  };
  return { things, close };
}

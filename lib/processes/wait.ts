/**
 * wait(): for the first of several things of different kinds.
 */
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import type { Connection } from '../channels/connection.js';
import type { Queue } from '../channels/queue.js';
import type { SimpleQueue } from '../channels/simple-queue.js';
import { argumentTypeError } from '../errors.js';
import { now } from '../internal/clock.js';
import { Latch } from '../internal/latch.js';
import { native, Status, WaitQueue } from '../internal/native.js';
import type { Core } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { type Attempt, type Closable, doChores, SLICE } from '../internal/wait.js';
import { hasObserved, type HasObserved, hasWaitable, type Observed, observed, waitable } from '../internal/waitable.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import type { Event } from '../sync/event.js';
import { type ChildLife, lifeOfSentinel } from './child-life.js';
import { lifeToWaitFor, Process } from './process.js';

/**
 * What {@link wait} can wait for: a message or the end of a queue or connection; an event that is set; the end of a process, by itself or
 * by its `sentinel`; data or the end of a stream, such as a socket; a message or the end of a {@link SocketConnection}, or a client of a {@link Listener}.
 */
/* oxlint-disable typescript/no-explicit-any -- what they carry does not matter, in either direction */
export type WaitableObject =
  | Connection<any, any>
  | Queue<any>
  | SimpleQueue<any>
  | Event
  | Process<any>
  | Promise<number>
  | Readable
  | HasObserved;
/* oxlint-enable typescript/no-explicit-any */

/** One of them, and how to look at it and to be told. */
interface Source extends Observed {
  readonly shared?: { readonly core: Core };
  readonly child?: ChildLife;
}

/**
 * Waits until at least one of the objects is ready, without blocking the thread. Looking takes nothing away: another user of the object may
 * be faster.
 *
 * @param objects any number, of any kinds; none at all are never ready, and not waited for.
 * @returns those that are ready, in the order in which they were given; none when the time was over.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT) for anything else; ClosedError for closed ones; DirectionError for an end that only sends; StateError for a
 *   process that was not started; `signal.reason`.
 */
export async function wait<T extends WaitableObject>(objects: Iterable<T>, options?: WaitOptions | null): Promise<T[]> {
  const { timeout, signal } = parseWait(options);
  const entries = entriesOf<T>(objects);
  const deadline = now() + timeout;
  for (;;) {
    const ready = readyOf(entries);
    const left = deadline - now();
    if (ready.length > 0 || left <= 0 || entries.length === 0) return ready;
    signal?.throwIfAborted();
    const changed = new Latch();
    const controller = new AbortController();
    // One listener for each object is no leak.
    setMaxListeners(0, controller.signal);
    let failure: { readonly error: unknown } | undefined;
    const notify = (failed?: { readonly error: unknown }): void => {
      failure ??= failed;
      changed.open();
    };
    for (const { source } of entries) source.subscribe(notify, controller.signal);
    try {
      await changed.wait({ timeout: left, signal });
    } finally {
      controller.abort();
    }
    if (failure !== undefined) throw failure.error;
  }
}

/** As {@link wait}, blocking the thread. Streams, socket connections and listeners cannot be waited for this way: it is the event loop that reads them. */
export function waitSync<T extends WaitableObject>(objects: Iterable<T>, options?: WaitOptions | null): T[] {
  const { timeout } = parseWait(options);
  const entries = entriesOf<T>(objects);
  if (entries.some(({ source }) => source.shared === undefined && source.child === undefined))
    throw argumentTypeError(
      'Cannot wait: the thread would be blocked, and with it the event loop that reads streams and sockets',
    );
  const cores = entries.flatMap(({ source }) => (source.shared === undefined ? [] : [source.shared.core]));
  const children = entries.flatMap(({ source }) => (source.child === undefined ? [] : [source.child.number]));
  const deadline = now() + timeout;
  for (;;) {
    const ready = readyOf(entries);
    const left = deadline - now();
    if (ready.length > 0 || left <= 0 || entries.length === 0) return ready;
    sleep(cores, children, Math.min(left, SLICE), () => readyOf(entries).length > 0);
    for (const { ref } of cores) native.reap(ref);
    doChores();
  }
}

/** Sleeps until one of them may have changed; `look` is what would otherwise be missed between looking and sleeping. */
function sleep(cores: readonly Core[], children: readonly number[], waitMs: number, look: () => boolean): void {
  const refs = cores.map(({ ref }) => ref);
  const bells = refs.map((ref) => native.bell(ref));
  for (const ref of refs) native.arm(ref, WaitQueue.main);
  if (!look()) native.sleepOn(refs, bells, children, waitMs);
  for (const { ref, main } of cores) {
    // Promises of this thread that wait there share the registration.
    if (main.pending > 0) {
      native.arm(ref, WaitQueue.main);
      main.nudge();
    } else {
      native.disarm(ref, WaitQueue.main);
    }
  }
}

interface Entry<T> {
  readonly object: T;
  readonly source: Source;
}

function entriesOf<T>(objects: Iterable<unknown>): Entry<T>[] {
  if (typeof objects !== 'object' || !(Symbol.iterator in objects))
    throw argumentTypeError(`Cannot wait: a list of objects is needed, received ${inspect(objects, { depth: 0 })}`);
  return Array.from(objects, (object) => ({ object: object as T, source: sourceOf(object) }));
}

function readyOf<T>(entries: readonly Entry<T>[]): T[] {
  return entries.filter(({ source }) => source.isReady()).map(({ object }) => object);
}

function sourceOf(object: unknown): Source {
  if (object instanceof Process) return childSource(lifeToWaitFor(object as Process));
  if (object instanceof Promise) {
    const life = lifeOfSentinel(object);
    if (life !== undefined) return childSource(life);
  }
  if (object instanceof Readable) return streamSource(object);
  if (typeof object === 'object' && object !== null && hasObserved(object)) return object[observed]();
  if (typeof object === 'object' && object !== null && hasWaitable(object)) {
    const { core, attempt } = object[waitable]();
    return sharedSource(object, core, attempt);
  }
  throw argumentTypeError(`Cannot wait for ${inspect(object, { depth: 0 })}`);
}

function sharedSource(owner: Closable, core: Core, attempt: Attempt): Source {
  return {
    shared: { core },
    isReady() {
      const status = attempt(0);
      if (status >= 0 || status === Status.ShutDown) return true;
      if (status === Status.Again) return core.main.lookForDead() && attempt(0) !== Status.Again;
      throw statusError(status, 'wait');
    },
    subscribe(notify, signal) {
      const changed = (): void => {
        notify();
      };
      core.main.wait(owner, { timeout: Infinity, signal }, attempt, changed).catch((error: unknown) => {
        // No thread can be had to wait with, or it was closed.
        if (!signal.aborted) notify({ error });
      });
    },
  };
}

function childSource(life: ChildLife): Source {
  return {
    child: life,
    isReady: () => life.exitCode !== null,
    subscribe(notify, signal) {
      const changed = (): void => {
        notify();
      };
      life.join({ timeout: Infinity, signal }).then(changed, changed);
    },
  };
}

function streamSource(stream: Readable): Source {
  return {
    isReady: () => stream.readableLength > 0 || stream.readableEnded || stream.destroyed || stream.errored !== null,
    subscribe(notify, signal) {
      const events = ['readable', 'end', 'close', 'error'];
      const changed = (): void => {
        notify();
      };
      for (const event of events) stream.on(event, changed);
      signal.addEventListener('abort', () => {
        for (const event of events) stream.off(event, changed);
      });
    },
  };
}

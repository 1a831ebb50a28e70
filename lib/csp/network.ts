/**
 * Starting processes of CSP: together, one after the other, beside oneself.
 */
import { inspect } from 'node:util';
import { StateError } from '../errors.js';
import { flatten, type ProcessDescription, type Run } from './process.js';
import { waitAtEnd } from './run-process.js';

/** Processes, also in lists of any depth. */
// oxlint-disable-next-line typescript/no-explicit-any -- of any results
export type Processes = ProcessDescription<any> | readonly Processes[];

/** They will not run: whoever would communicate with them must not wait for them. */
function abandon(processes: readonly ProcessDescription[]): void {
  for (const end of processes.flatMap(({ ends }) => ends)) {
    end.poison();
    end.retire();
  }
}

/** Starts all. When one cannot be started, those that run are poisoned through the ends of the others. */
function startAll(processes: readonly ProcessDescription[]): { runs: Run[]; failure: { error: unknown } | undefined } {
  const runs: Run[] = [];
  for (const [index, description] of processes.entries()) {
    try {
      runs.push(description.start());
    } catch (error) {
      abandon(processes.slice(index));
      return { runs, failure: { error } };
    }
  }
  return { runs, failure: undefined };
}

/**
 * Starts all processes, and waits until all have ended.
 *
 * @param processes in lists of any depth.
 * @returns what they returned, in their order as if there had been one list.
 * @throws once all have ended: what the first one threw that failed; WorkerDiedError (ERR_MULTIPROC_WORKER_DIED) for one that was killed; what
 *   `Process.start` throws. At once: TypeError (ERR_MULTIPROC_ARGUMENT); StateError for a process that was started before.
 */
export async function Parallel(...processes: readonly Processes[]): Promise<unknown[]> {
  const { runs, failure } = startAll(flatten(processes));
  const ends = await Promise.allSettled(runs.map(({ result }) => result));
  if (failure !== undefined) throw failure.error;
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

/** As {@link Parallel}, blocking the thread. @throws StateError (ERR_MULTIPROC_STATE) when there is an inline process, which could not run. */
export function ParallelSync(...processes: readonly Processes[]): unknown[] {
  const all = flatten(processes);
  refuseInline(all);
  const { runs, failure } = startAll(all);
  const failures = failure === undefined ? [] : [failure];
  const values = runs.map((run) => {
    try {
      return waitFor(run);
    } catch (error) {
      failures.push({ error });
      return undefined;
    }
  });
  const [first] = failures;
  if (first !== undefined) throw first.error;
  return values;
}

/**
 * Runs one process after the other. After one that failed none is started; the ends of those are poisoned.
 *
 * @returns what they returned.
 * @throws as {@link Parallel}.
 */
export async function Sequence(...processes: readonly Processes[]): Promise<unknown[]> {
  const all = flatten(processes);
  const values: unknown[] = [];
  for (const [index, description] of all.entries()) {
    try {
      values.push(await description.start().result);
    } catch (error) {
      abandon(all.slice(index));
      throw error;
    }
  }
  return values;
}

/** As {@link Sequence}, blocking the thread. @throws StateError (ERR_MULTIPROC_STATE) when there is an inline process. */
export function SequenceSync(...processes: readonly Processes[]): unknown[] {
  const all = flatten(processes);
  refuseInline(all);
  return all.map((description, index) => {
    try {
      return waitFor(description.start());
    } catch (error) {
      abandon(all.slice(index));
      throw error;
    }
  });
}

/** A process that {@link Spawn} has started. */
export interface Spawned<R = unknown> {
  readonly id: string;
  readonly name: string;
  /** What it returns; rejects with what ended it. Nobody need look. */
  readonly result: Promise<R>;
}

/**
 * Starts processes and returns. The process of CSP that calls ends only after them; so does this process of the operating system.
 *
 * A failure that nobody waits for is printed on standard error, and poisons its channels as always.
 *
 * @returns what was started, in order.
 * @throws as `Process.start`; TypeError (ERR_MULTIPROC_ARGUMENT); StateError.
 */
export function Spawn(...processes: readonly Processes[]): Spawned[] {
  const { runs, failure } = startAll(flatten(processes));
  for (const { description, result } of runs) {
    waitAtEnd(
      result.catch((error: unknown) => {
        // A process of its own has printed it.
        if (description.isInline) globalThis.process.stderr.write(`Process ${description.name}:\n${inspect(error)}\n`);
      }),
    );
  }
  if (failure !== undefined) throw failure.error;
  return runs.map(({ description: { id, name }, result }) => ({ id, name, result }));
}

function refuseInline(processes: readonly ProcessDescription[]): void {
  const inline = processes.find(({ isInline }) => isInline);
  if (inline !== undefined)
    throw new StateError(`Cannot wait for ${inline.name}: it would run in this thread, which is blocked`);
}

function waitFor(run: Run): unknown {
  // Told twice otherwise, and nobody listens.
  run.result.catch(() => undefined);
  return run.resultSync();
}

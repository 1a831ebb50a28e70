/**
 * How a barrier's action is described in shared memory, and found again in the process that has to run it.
 */
import { inspect } from 'node:util';
import { argumentTypeError, CorruptSegmentError, NotTransferableError } from '../errors.js';
import { parseDescription } from '../internal/description.js';
import { type TaskReference, taskReferenceOf } from '../internal/task-reference.js';

/** None, the address of a task, or a plain function that only its own process has. */
export type DescribedAction = TaskReference | 'local' | undefined;

/** The barrier's meta text. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what is no action. */
export function describeAction(action: unknown): string {
  return JSON.stringify({ action: described(action) });
}

function described(action: unknown): DescribedAction {
  if (action === undefined) return undefined;
  const reference = taskReferenceOf(action);
  if (reference !== undefined) return reference;
  if (typeof action === 'function') return 'local';
  throw argumentTypeError(
    `Cannot create Barrier: action must be a function, a task or { module, name }, received ${inspect(action)}`,
  );
}

/** The reverse of {@link describeAction}. @throws CorruptSegmentError. */
export function readAction(meta: string): DescribedAction {
  const { action } = parseDescription(meta, 'Barrier');
  try {
    if (action === undefined || action === 'local') return action;
    const reference = taskReferenceOf(action);
    if (reference !== undefined) return reference;
  } catch {
    // A task whose module or name is no text.
  }
  throw new CorruptSegmentError(`Cannot open Barrier: its description has an impossible action, ${inspect(action)}`);
}

/** An action, with the plain function where this process made the barrier. */
export interface KnownAction {
  readonly action: DescribedAction;
  readonly localAction: (() => unknown) | undefined;
}

/**
 * The function to run.
 *
 * @param load finds a task.
 * @throws NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE) for another process's plain function.
 */
export function findAction<R>(
  { action, localAction }: KnownAction,
  load: (reference: TaskReference) => R,
): R | (() => unknown) {
  if (action === undefined) return nothing;
  if (action !== 'local') return load(action);
  if (localAction !== undefined) return localAction;
  throw new NotTransferableError(
    'Cannot run the action of Barrier: it is a plain function of the process that made the barrier, make it a task()',
  );
}

function nothing(): void {
  // A barrier without an action.
}

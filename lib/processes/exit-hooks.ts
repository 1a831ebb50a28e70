/**
 * Functions that run when the process ends.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';

/** Options of {@link onExit}. */
export interface ExitHookOptions {
  /** Higher ones run first; of equal ones, the one registered last. Negative: after this process's children have ended. Default 0. */
  readonly priority?: number | undefined;
}

interface Hook {
  readonly run: () => void;
  readonly priority: number;
}

let hooks: Hook[] = [];
let listening = false;
/** Set by {@link handOver}. */
let handedOver = false;

/**
 * Has a function called when this process ends, by itself, by `process.exit()` or by an error that nobody caught; not when a signal
 * ends it. Also in children.
 *
 * @param run called without arguments; what it throws is printed, and does not keep the others from running. It cannot wait for anything.
 * @returns a function that takes it back.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT).
 */
export function onExit(run: () => void, { priority = 0 }: ExitHookOptions = {}): () => void {
  if (typeof run !== 'function')
    throw argumentTypeError(`Cannot register exit hook: a function is needed, received ${inspect(run)}`);
  if (typeof priority !== 'number' || Number.isNaN(priority))
    throw argumentTypeError(`Cannot register exit hook: priority must be a number, received ${inspect(priority)}`);
  const hook = { run, priority };
  hooks.push(hook);
  if (!listening) {
    listening = true;
    process.on('exit', () => {
      if (handedOver) return;
      runExitHooks('before');
      runExitHooks('after');
    });
  }
  return () => {
    hooks = hooks.filter((other) => other !== hook);
  };
}

/** Whoever calls this runs the hooks. */
export function handOver(): void {
  handedOver = true;
}

/** Runs, once, those of priority 0 and above, or those below. */
export function runExitHooks(when: 'before' | 'after'): void {
  const due = (hook: Hook): boolean => hook.priority >= 0 === (when === 'before');
  // The latest first, then stably by priority.
  const ordered = hooks
    .filter(due)
    .reverse()
    .sort((a, b) => b.priority - a.priority);
  hooks = hooks.filter((hook) => !due(hook));
  for (const { run } of ordered) {
    try {
      run();
    } catch (error) {
      process.stderr.write(`An exit hook failed: ${inspect(error)}\n`);
    }
  }
}

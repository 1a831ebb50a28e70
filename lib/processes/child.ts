/**
 * What runs in a child: it learns who it is, finds its code, runs it, and reports what went wrong.
 */
import { inspect } from 'node:util';
import type { Connection } from '../channels/connection.js';
import { attach } from '../internal/handle.js';
import { call, native } from '../internal/native.js';
import { setProcessName } from '../internal/process-name.js';
import { type AnyFunction, loadTask, type TaskReference } from '../internal/task-reference.js';
import { assumeIdentity } from './identity.js';
import { importGuarded } from './import-guard.js';
import type { DataMessage, Report, StartMessage } from './messages.js';
import { makeCurrent, Process } from './process.js';
import { becomeCurrent } from './current.js';
import { inheritStartMethod, type StartMethod } from './start-method.js';

/** @param handle of the connection to the parent. */
export async function runChild(handle: string): Promise<void> {
  native.takeLifeline();
  const parent = connect(handle);
  const message = parent.recvSync({ timeout: 0 }) as StartMessage;
  // Before Node prints it and ends the process; errors in callbacks come here too.
  process.on('uncaughtExceptionMonitor', (error) => {
    const isHandled = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (!isHandled) reportError(parent, error);
  });
  try {
    settleIn(message);
    const current = await load(message, parent);
    report(parent, { kind: 'running' });
    await current.run();
  } catch (error) {
    reportError(parent, error);
    process.stderr.write(`Process ${message.identity.name}:\n${inspect(error)}\n`);
    process.exit(1);
  }
  if (!message.drain) process.exit();
}

function connect(handle: string): Connection {
  try {
    return attach<Connection>(handle);
  } catch (error) {
    // It died before this process could begin: there is nobody to be told, and nothing to do.
    if (native.parentIsGone(0)) process.exit(1);
    throw error;
  }
}

function settleIn({ identity, argv, cwd, startMethod }: StartMessage): void {
  if (identity.daemon)
    call(() => {
      native.endWithParent();
    });
  assumeIdentity(identity);
  setProcessName(identity.name);
  if (cwd !== null) process.chdir(cwd);
  process.argv.splice(1, Infinity, ...argv);
  if (startMethod !== null) inheritStartMethod(startMethod as StartMethod);
}

/** Reports as long as somebody listens. */
function report(parent: Connection, report: Report): boolean {
  try {
    parent.sendSync(report, { timeout: 0 });
    return true;
  } catch {
    return false;
  }
}

/** First what it says, then the error itself, which may not be able to travel. */
function reportError(parent: Connection, error: unknown): void {
  report(parent, { kind: 'failure', ...textsOf(error) });
  report(parent, { kind: 'error', error });
}

/** Anything may be thrown, with any properties. */
function textsOf(error: unknown): { text: string; stack: string } {
  try {
    if (!(error instanceof Error)) return { text: `The process threw what is no error: ${inspect(error)}`, stack: '' };
    return { text: `${error.name}: ${error.message}`, stack: error.stack ?? '' };
  } catch {
    return { text: 'The process threw an error that cannot be read', stack: '' };
  }
}

async function load({ subclass, target }: StartMessage, parent: Connection): Promise<Process> {
  const find = (reference: TaskReference | null): Promise<AnyFunction> | null =>
    reference === null ? null : importGuarded(reference.module, () => loadTask(reference));
  const processClass = ((await find(subclass)) ?? Process) as { readonly prototype: object };
  const fn = await find(target);
  const { fields, args, kwargs } = parent.recvSync({ timeout: 0 }) as DataMessage;
  const all = kwargs === null ? args : [...args, kwargs];
  const current = makeCurrent(processClass.prototype, fields, () => fn?.(...(all as never[])));
  becomeCurrent(current);
  return current;
}

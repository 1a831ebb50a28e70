/**
 * What runs in a child: it learns who it is, finds its code, runs it, and reports what went wrong.
 */
import { inspect } from 'node:util';
import type { Connection } from '../channels/connection.js';
import { MultiprocError, RemoteError } from '../errors.js';
import { attach } from '../internal/handle.js';
import { native } from '../internal/native.js';
import { setProcessName } from '../internal/process-name.js';
import { type AnyFunction, loadTask, type TaskReference } from '../internal/task-reference.js';
import { assumeIdentity } from './identity.js';
import { importGuarded } from './import-guard.js';
import type { DataMessage, Report, StartMessage } from './messages.js';
import { makeCurrent, Process } from './process.js';
import { becomeCurrent } from './current.js';
import { setStartMethod, type StartMethod } from './start-method.js';

/** @param handle of the connection to the parent. */
export async function runChild(handle: string): Promise<void> {
  native.takeLifeline();
  const parent = attach<Connection>(handle);
  const message = parent.recvSync({ timeout: 0 }) as StartMessage;
  settleIn(message);
  const report = reporter(parent);
  // Before Node prints it and ends the process; errors in callbacks come here too.
  process.on('uncaughtExceptionMonitor', (error) => {
    report({ kind: 'error', error });
  });
  try {
    const current = await load(message, parent);
    report({ kind: 'running' });
    await current.run();
  } catch (error) {
    report({ kind: 'error', error });
    process.stderr.write(`Process ${message.identity.name}:\n${inspect(error)}\n`);
    process.exit(1);
  }
  if (!message.drain) process.exit();
}

function settleIn({ identity, argv, cwd, startMethod }: StartMessage): void {
  if (identity.daemon) native.endWithParent();
  assumeIdentity(identity);
  setProcessName(identity.name);
  if (cwd !== null) process.chdir(cwd);
  process.argv.splice(1, Infinity, ...argv);
  setStartMethod(startMethod as StartMethod, { force: true });
}

/** Reports as long as somebody listens; an error that cannot travel as it is travels as text. */
function reporter(parent: Connection): (report: Report) => void {
  return (report) => {
    try {
      parent.sendSync(report, { timeout: 0 });
    } catch (failure) {
      if (report.kind !== 'error' || !(failure instanceof MultiprocError)) return;
      const { error } = report;
      const text = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error);
      const substitute = new RemoteError(text);
      if (error instanceof Error) substitute.stack = error.stack ?? text;
      try {
        parent.sendSync({ kind: 'error', error: substitute }, { timeout: 0 });
      } catch {
        // Nobody is left to be told.
      }
    }
  };
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

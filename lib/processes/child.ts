/**
 * What runs in a child: it learns who it is, finds its code, runs it, and reports what went wrong.
 */
import { inspect } from 'node:util';
import type { Connection } from '../channels/connection.js';
import { attach } from '../internal/handle.js';
import { importModule } from '../internal/import-module.js';
import { call, native } from '../internal/native.js';
import { setProcessName } from '../internal/process-name.js';
import { type AnyFunction, loadTask, type TaskReference } from '../internal/task-reference.js';
import { assumeIdentity, ownIdentity } from './identity.js';
import { importGuarded } from './import-guard.js';
import { inheritLogSettings, logger } from './logger.js';
import type { DataMessage, Report, StartMessage } from './messages.js';
import { makeCurrent, Process } from './process.js';
import { becomeCurrent } from './current.js';
import { textsOf } from './remote-error.js';
import { inheritStartMethod, type StartMethod } from './start-method.js';

/** Exit code of Node for what can never go on. */
const UNSETTLED = 13;

/**
 * @param handle of the connection to the parent.
 * @param thread its number, where the child is a thread of its parent's process.
 */
export async function runChild(handle: string, thread?: number): Promise<void> {
  if (thread === undefined) native.takeLifeline();
  else if (!beginThread(thread)) return;
  const parent = connect(handle);
  const message = parent.recvSync({ timeout: 0 }) as StartMessage;
  // Before Node prints it and ends the process; errors in callbacks come here too.
  process.on('uncaughtExceptionMonitor', (error) => {
    const isHandled = process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
    if (isHandled) return;
    reportError(parent, error);
    // Of a thread Node tells its parent, and prints nothing.
    if (thread !== undefined) printError(message.identity.name, error);
  });
  try {
    settleIn(message, thread !== undefined);
    const current = await load(message, parent);
    report(parent, { kind: 'running' });
    logger.info('child process calling run()');
    await settled(current.run());
  } catch (error) {
    reportError(parent, error);
    printError(message.identity.name, error);
    process.exit(1);
  }
  if (!message.drain) process.exit();
}

/** Whoever has started it knows that it has ended when it has left all that it shared, and how by what it says before. */
function beginThread(number: number): boolean {
  if (!native.threadBegin(number)) return false;
  process.once('exit', (code) => {
    native.threadCode(number, Number(process.exitCode ?? code));
  });
  return true;
}

function printError(name: string, error: unknown): void {
  process.stderr.write(`Process ${name}:\n${inspect(error)}\n`);
}

/**
 * Waits for what runs. A promise that nothing is left to settle ends the process as it ends one of Node that awaits it: with 13.
 */
async function settled(running: unknown): Promise<void> {
  let isIdle = false;
  // Not at process.exit(). Other listeners may still settle it.
  const noticeIdle = (): void => {
    isIdle = true;
  };
  const refuse = (): void => {
    if (!isIdle || process.exitCode !== undefined) return;
    process.exitCode = UNSETTLED;
    const { name } = ownIdentity();
    process.stderr.write(`Process ${name}: what it runs has returned a promise that nothing can settle any more\n`);
  };
  process.once('beforeExit', noticeIdle);
  process.prependOnceListener('exit', refuse);
  await running;
  process.off('beforeExit', noticeIdle);
  process.off('exit', refuse);
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

function settleIn({ identity, argv, cwd, startMethod, log }: StartMessage, isThread: boolean): void {
  if (identity.daemon && !isThread)
    call(() => {
      native.endWithParent();
    });
  assumeIdentity(identity);
  setProcessName(identity.name, isThread);
  if (cwd !== null) process.chdir(cwd);
  process.argv.splice(1, Infinity, ...argv);
  inheritLogSettings(log);
  process.once('exit', (code) => {
    logger.info('process exiting with exitcode %d', code);
  });
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

async function load({ subclass, target, preload }: StartMessage, parent: Connection): Promise<Process> {
  const find = (reference: TaskReference | null): Promise<AnyFunction> | null =>
    reference === null ? null : importGuarded(reference.module, () => loadTask(reference));
  const processClass = ((await find(subclass)) ?? Process) as { readonly prototype: object };
  const fn = await find(target);
  for (const module of preload) await importGuarded(module, () => importModule(module));
  const { fields, args, kwargs } = parent.recvSync({ timeout: 0 }) as DataMessage;
  const all = kwargs === null ? args : [...args, kwargs];
  const current = makeCurrent(processClass.prototype, fields, () => fn?.(...(all as never[])));
  becomeCurrent(current);
  return current;
}

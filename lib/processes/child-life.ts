/**
 * ChildLife: one started process from its parent's side, from the start to the knowledge of how it ended.
 */
import { fileURLToPath } from 'node:url';
import type { Connection } from '../channels/connection.js';
import { Pipe } from '../channels/pipe.js';
import { NotTransferableError, RemoteError, StateError } from '../errors.js';
import { now } from '../internal/clock.js';
import { Latch } from '../internal/latch.js';
import { native } from '../internal/native.js';
import { releaseConsumed } from '../internal/transit.js';
import { addressToSend } from '../internal/task-reference.js';
import { doChores, SLICE } from '../internal/wait.js';
import { forEver, type Wait } from '../internal/wait-options.js';
import { offerCode, writeCode } from './compiled-code.js';
import { atEnd, refuseAtEnd } from './ending.js';
import { inheritedExecArguments } from './exec-arguments.js';
import { ownIdentity } from './identity.js';
import { refuseDuringImport } from './import-guard.js';
import { childEnded, childStarted, type LivingChild } from './living-children.js';
import { logger, logSettings } from './logger.js';
import type { DataMessage, Report, StartMessage } from './messages.js';
import { OsProcess } from './os-process.js';
import { isBase, processClassReference } from './process-classes.js';
import { checkFolder, type ProcessPlan } from './process-options.js';
import { errorOfTexts, remoteError, textsOf } from './remote-error.js';
import type { ChildStreams, RunningChild } from './running-child.js';
import { getStartMethod, ownExecutable, type StartMethod } from './start-method.js';
import { ThreadProcess } from './thread-process.js';

/** Reports that cannot be received before the rest is given up. */
const MOST_FAILURES = 8;

/** What a child is made from. */
export interface ChildStart {
  readonly processClass: object;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly daemon: boolean;
  readonly authkey: Uint8Array;
  readonly path: readonly number[];
  readonly plan: ProcessPlan;
  /** The user's object, for `activeChildren()`. */
  readonly process: object;
}

const lives = new WeakMap<Promise<number>, ChildLife>();

/** Whose sentinel it is; `undefined` for any other promise. */
export function lifeOfSentinel(promise: Promise<unknown>): ChildLife | undefined {
  return lives.get(promise as Promise<number>);
}

/** A process that was started. */
export class ChildLife implements LivingChild {
  readonly process: object;
  readonly daemon: boolean;
  readonly pid: number;
  readonly #child: RunningChild;
  readonly #ours: Connection;
  /** The child's end, open here until the child has ended: it need not hurry to attach it. */
  readonly #theirs: Connection;
  readonly #ended = new Latch();
  readonly #running = new Latch();
  #exitCode: number | null = null;
  #signalCode: NodeJS.Signals | null = null;
  #error: Error | null = null;
  #sentinel: Promise<number> | undefined;
  #started: Promise<void> | undefined;
  #joining = 0;

  private constructor(start: ChildStart, message: StartMessage) {
    const { plan } = start;
    this.process = start.process;
    this.daemon = start.daemon;
    [this.#ours, this.#theirs] = Pipe();
    try {
      this.#ours.sendSync(message);
      this.#ours.sendSync({ fields: start.fields, args: plan.args, kwargs: plan.kwargs } satisfies DataMessage);
      this.#child = begin(start, this.#theirs.handle, () => {
        this.#look(0);
      });
    } catch (error) {
      this.#closeConnections();
      throw error;
    }
    this.pid = this.#child.pid;
    childStarted(this);
    logger.debug('started %s as process %d', start.name, this.pid);
    this.#keepAlive();
  }

  /** @throws as `Process.start`. */
  static start(start: ChildStart): ChildLife {
    refuseDuringImport('start Process');
    if (ownIdentity().daemon) throw new StateError('Cannot start Process: a daemon cannot have children');
    refuseAtEnd('start Process');
    const { plan } = start;
    if (plan.cwd !== null) checkFolder(plan.cwd, methodOf(plan) === 'thread');
    const life = new ChildLife(start, {
      identity: {
        name: start.name,
        path: start.path,
        daemon: start.daemon,
        authkey: start.authkey,
        parent: { pid: process.pid, name: ownIdentity().name },
      },
      argv: process.argv.slice(1),
      cwd: plan.cwd,
      subclass: subclassReference(start),
      target: plan.target === null ? null : addressToSend(plan.target, 'start Process'),
      preload: plan.preload.map((module) => addressToSend({ module }, 'start Process').module),
      drain: plan.drain,
      startMethod: getStartMethod({ allowNone: true }),
      log: logSettings(),
    });
    atEnd();
    return life;
  }

  /** What native code knows it by. */
  get number(): number {
    return this.#child.number;
  }

  get streams(): ChildStreams {
    return this.#child;
  }

  /** Looks. */
  get exitCode(): number | null {
    this.#look(0);
    return this.#exitCode;
  }

  get signalCode(): NodeJS.Signals | null {
    this.#look(0);
    return this.#signalCode;
  }

  /** Known when it has ended: until then another one may follow that ends it. */
  get error(): Error | null {
    return this.#look(0) ? (this.#error ?? this.#child.failure ?? null) : null;
  }

  get sentinel(): Promise<number> {
    if (this.#sentinel === undefined) {
      this.#sentinel = this.#ended.wait(forEver).then(() => this.#exitCode ?? 0);
      lives.set(this.#sentinel, this);
    }
    return this.#sentinel;
  }

  get started(): Promise<void> {
    this.#look(0);
    return (this.#started ??= this.#awaitStart());
  }

  /** The exit code, or null when the time was over. */
  async join(wait: Wait): Promise<number | null> {
    if (this.exitCode !== null || wait.timeout <= 0) return this.#exitCode;
    this.#joining += 1;
    this.#keepAlive();
    try {
      await this.#ended.wait(wait);
      return this.exitCode;
    } finally {
      this.#joining -= 1;
      this.#keepAlive();
    }
  }

  /** The same, blocking the thread for at most `timeout` ms. */
  joinSync(timeout: number): number | null {
    const deadline = now() + timeout;
    let left = timeout;
    while (!this.#look(Math.min(Math.max(left, 0), SLICE)) && left > 0) {
      doChores();
      left = deadline - now();
    }
    return this.#exitCode;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#look(0)) this.#child.signal(name);
  }

  /** Nobody will read or write its streams any more. */
  closeStreams(): void {
    this.#child.closeStreams();
  }

  /** True when it has ended; blocks for at most `waitMs`. */
  #look(waitMs: number): boolean {
    if (this.#exitCode !== null) return true;
    const ending = this.#child.look(waitMs);
    if (ending === undefined) return false;
    this.#exitCode = ending.exitCode;
    this.#signalCode = ending.signalCode;
    logger.debug('process %d has ended with exitcode %d', this.pid, ending.exitCode);
    childEnded(this);
    this.#child.release();
    // What it held is free from now on, and not only when somebody who waits for it has looked.
    native.reapAll();
    this.#readReports();
    this.#closeConnections();
    this.#running.open();
    this.#ended.open();
    return true;
  }

  /** Non-daemons keep this process alive, and so does who waits for one. */
  #keepAlive(): void {
    if (this.#exitCode === null) this.#child.keepAlive(!this.daemon || this.#joining > 0);
  }

  #closeConnections(): void {
    this.#ours.close();
    this.#theirs.close();
    // What it was given and has not received is not kept for it any more.
    releaseConsumed();
  }

  /** Whatever the child said before it ended is there by now. */
  #readReports(): void {
    // A report that cannot be opened, for want of descriptors, comes again and again.
    for (let failures = 0; failures < MOST_FAILURES && this.#hasReport();) {
      try {
        this.#take(this.#ours.recvSync() as Report);
      } catch (error) {
        failures += 1;
        // An error of a class that cannot be made here, or with an object that died with the child: its text is here already.
        if (this.#error?.cause === undefined && this.#error instanceof RemoteError) this.#error.cause = error;
        else this.#error ??= error as Error;
      }
    }
  }

  #hasReport(): boolean {
    try {
      return this.#ours.poll();
    } catch {
      // Damaged memory: nothing more is to be learnt from it, and how the child ended is known without.
      return false;
    }
  }

  async #awaitStart(): Promise<void> {
    try {
      // Looked at, and not received: who joins at the same time takes all that there is, at once.
      while (!this.#running.isOpen && (await this.#ours.poll(null))) this.#readReports();
    } catch {
      // It ended before it began.
    }
  }

  #take(report: Report): void {
    if (report.kind === 'running') this.#running.open();
    // What ends a process is its first error; others may follow from that.
    else if (report.kind === 'failure') this.#error ??= errorOfTexts(report);
    else if (this.#error === null || this.#error instanceof RemoteError)
      this.#error = remoteError(report.error, this.#error ?? errorOfTexts(textsOf(report.error)));
  }
}

function subclassReference({ processClass }: ChildStart): StartMessage['subclass'] {
  if (isBase(processClass)) return null;
  const reference = processClassReference(processClass);
  if (reference !== undefined) return addressToSend(reference, 'start Process');
  const { name } = processClass as { readonly name: string };
  throw new NotTransferableError(
    `Cannot start Process: class ${name} is not registered, so its child could not find it; ` +
      `add static { Process.register(import.meta, this); } to it`,
    { path: '' },
  );
}

function methodOf(plan: ProcessPlan): StartMethod {
  return plan.startMethod ?? getStartMethod();
}

function begin({ plan, name, daemon }: ChildStart, handle: string, ended: () => void): RunningChild {
  const env = plan.env ?? process.env;
  const { stdio } = plan;
  if (methodOf(plan) === 'thread') {
    const { execArgv, maxMemory } = plan;
    return new ThreadProcess({ handle, name, env, stdio, execArgv, maxMemory }, ended);
  }
  const boot = fileURLToPath(new URL('../boot.cjs', import.meta.url));
  offerCode();
  const child = new OsProcess(
    { file: ownExecutable(), args: [...execArguments(plan), boot, handle], env, stdio, daemon },
    ended,
  );
  writeCode();
  return child;
}

function execArguments({ execArgv, maxMemory }: ProcessPlan): string[] {
  const options = execArgv === undefined ? inheritedExecArguments(process.execArgv) : [...execArgv];
  if (maxMemory !== undefined) options.push(`--max-old-space-size=${Math.floor(maxMemory / 2 ** 20)}`);
  return options;
}

/**
 * ThreadProcess: a child that is a thread of this process.
 */
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { argumentTypeError } from '../errors.js';
import { native } from '../internal/native.js';
import type { Ending, RunningChild } from './running-child.js';
import type { StdioKind } from './stdio.js';

/** What to start. */
export interface ThreadOptions {
  /** Of the connection to the parent. */
  readonly handle: string;
  readonly name: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdio: readonly [StdioKind, StdioKind, StdioKind];
  /** Default: those of this process. */
  readonly execArgv: readonly string[] | undefined;
  /** Bytes. */
  readonly maxMemory: number | undefined;
}

/** Signals that end a thread as they end a process, by their numbers. */
const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Of a thread that has said no code. */
const NO_CODE = -(2 ** 31);

/** A thread that was started and not yet released. */
export class ThreadProcess implements RunningChild {
  readonly pid = process.pid;
  readonly number: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly #worker: Worker;
  #signal: NodeJS.Signals | undefined;
  #ending: Ending | undefined;
  #failure: Error | undefined;

  /**
   * @param ended called from the event loop, once, when it has ended.
   * @throws TypeError for what a thread cannot have.
   */
  constructor({ handle, name, env, stdio, execArgv, maxMemory }: ThreadOptions, ended: () => void) {
    const [input, output, error] = checkStreams(stdio);
    this.number = native.threadPlan();
    try {
      this.#worker = new Worker(fileURLToPath(new URL('../boot.cjs', import.meta.url)), {
        argv: [handle, String(this.number)],
        name,
        env: Object.fromEntries(Object.entries(env).filter(([, text]) => text !== undefined)) as Record<string, string>,
        stdin: input === 'pipe',
        stdout: output !== 'inherit',
        stderr: error !== 'inherit',
        ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
        ...(maxMemory === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxMemory / 2 ** 20 } }),
      });
    } catch (failure) {
      native.processForget(this.number);
      throw refusal(failure);
    }
    // Node tells of its end through the event loop, and that may be blocked.
    native.threadStarted(this.number);
    // What it could not report itself: that its memory was used up.
    this.#worker.on('error', (failure) => {
      this.#failure = failure;
    });
    this.#worker.on('exit', () => {
      native.threadEnd(this.number);
      ended();
    });
    this.stdin = input === 'pipe' ? this.#worker.stdin : null;
    this.stdout = readable(output, this.#worker.stdout);
    this.stderr = readable(error, this.#worker.stderr);
  }

  look(waitMs: number): Ending | undefined {
    if (this.#ending === undefined && native.processAwait(this.number, waitMs) === 0) {
      const [code = NO_CODE] = native.out;
      const signal = this.#signal;
      if (code !== NO_CODE) this.#ending = { exitCode: code & 0xff, signalCode: null };
      else if (signal === undefined) this.#ending = { exitCode: 1, signalCode: null };
      else this.#ending = { exitCode: -(SIGNALS[signal] ?? 0), signalCode: signal };
    }
    return this.#ending;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  signal(signal: NodeJS.Signals): void {
    this.#signal ??= signal;
    void this.#worker.terminate();
    native.threadCallOff(this.number);
  }

  keepAlive(on: boolean): void {
    // Not by its count: it keeps the event loop alive until its output has been read.
    if (on) this.#worker.ref();
    else this.#worker.unref();
  }

  release(): void {
    native.processForget(this.number);
  }

  closeStreams(): void {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy();
  }
}

type ThreadStream = 'inherit' | 'ignore' | 'pipe';

function checkStreams(stdio: readonly StdioKind[]): [ThreadStream, ThreadStream, ThreadStream] {
  for (const [i, kind] of stdio.entries()) {
    if (typeof kind === 'number')
      throw argumentTypeError(`Cannot start Process: a thread cannot have a descriptor of its own, received ${kind}`);
    if (i === 0 && kind === 'inherit')
      throw argumentTypeError("Cannot start Process: a thread cannot read what its process reads, received 'inherit'");
  }
  return stdio as [ThreadStream, ThreadStream, ThreadStream];
}

function readable(kind: ThreadStream, stream: Readable): Readable | null {
  if (kind === 'ignore') stream.resume();
  return kind === 'pipe' ? stream : null;
}

function refusal(failure: unknown): unknown {
  const { code, message } = failure as NodeJS.ErrnoException;
  if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV') return failure;
  return argumentTypeError(`Cannot start Process: a thread cannot have these options of Node: ${message}`);
}

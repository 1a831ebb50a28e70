/**
 * OsProcess: a child that is a process of its own.
 */
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { SystemError } from '../errors.js';
import { builtin } from '../internal/builtin.js';
import { call, native } from '../internal/native.js';
import { keepLoopAlive, unwatchEnds, watchEnds } from './end-watch.js';
import type { Ending, RunningChild } from './running-child.js';
import type { StdioKind } from './stdio.js';

/** What to start. */
export interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdio: readonly [StdioKind, StdioKind, StdioKind];
  /** Do its pipes keep the event loop alive? */
  readonly daemon: boolean;
}

const NULL_DEVICE = -1;

// Where a signal has several names the first is what Node says too: SIGABRT, and not SIGIOT.
const signalNames = new Map(
  Object.entries(constants.signals)
    .map(([name, number]): [number, NodeJS.Signals] => [number, name as NodeJS.Signals])
    .reverse(),
);

/** A child that was started and not yet released. */
export class OsProcess implements RunningChild {
  readonly pid: number;
  readonly number: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  #ending: Ending | undefined;
  #kept = false;
  readonly #onEnds: () => void;

  /**
   * @param ended called from the event loop, once, when it has ended.
   * @throws SystemError when the system refuses.
   */
  constructor({ file, args, env, stdio, daemon }: ProgramOptions, ended: () => void) {
    this.#onEnds = () => {
      if (this.look(0) !== undefined) ended();
    };
    const streams: Stream[] = [];
    try {
      for (const [i, kind] of stdio.entries()) streams.push(new Stream(kind, i));
      const [input, output, error] = streams.map(({ theirs }) => theirs) as [number, number, number];
      // Before the child: it may have ended by the next line.
      watchEnds(this.#onEnds);
      this.number = call(() => native.processStart(file, [file, ...args], lines(env), input, output, error));
    } catch (failure) {
      unwatchEnds(this.#onEnds);
      for (const stream of streams) stream.abandon();
      throw failure;
    }
    this.pid = native.out[0] as number;
    [this.stdin, this.stdout, this.stderr] = streams.map((stream) => stream.open(daemon)) as [
      Writable | null,
      Readable | null,
      Readable | null,
    ];
  }

  look(waitMs: number): Ending | undefined {
    if (this.#ending === undefined && native.processAwait(this.number, waitMs) === 0) {
      const [code = 0, signal = 0] = native.out;
      this.#ending =
        signal === 0
          ? { exitCode: code, signalCode: null }
          : { exitCode: -signal, signalCode: signalNames.get(signal) ?? null };
    }
    return this.#ending;
  }

  signal(signal: NodeJS.Signals): void {
    const errno = native.processSignal(this.number, constants.signals[signal]);
    if (errno !== 0)
      throw new SystemError(`Cannot send ${signal} to process ${this.pid}: ${getSystemErrorName(-errno)}`, { errno });
  }

  keepAlive(on: boolean): void {
    if (on === this.#kept) return;
    this.#kept = on;
    keepLoopAlive(on);
  }

  release(): void {
    this.keepAlive(false);
    unwatchEnds(this.#onEnds);
    native.processForget(this.number);
    // Nobody reads it any more. What the child wrote can still be read.
    this.stdin?.destroy();
  }

  closeStreams(): void {
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream?.destroy();
  }
}

function lines(env: Readonly<Record<string, string | undefined>>): string[] {
  const texts: string[] = [];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) texts.push(`${name}=${value}`);
  return texts;
}

/** One standard stream of a child. */
class Stream {
  /** The child's descriptor. */
  readonly theirs: number;
  readonly #ours: number | undefined;
  readonly #writable: boolean;

  constructor(kind: StdioKind, target: number) {
    this.#writable = target === 0;
    if (kind === 'pipe') {
      const [reading, writing] = call(() => native.makePipe());
      this.theirs = this.#writable ? reading : writing;
      this.#ours = this.#writable ? writing : reading;
    } else {
      this.theirs = kind === 'ignore' ? NULL_DEVICE : kind === 'inherit' ? target : kind;
    }
  }

  /** The child has its end: makes a stream of ours. */
  open(daemon: boolean): Socket | null {
    if (this.#ours === undefined) return null;
    closeSync(this.theirs);
    const socket = new builtin.net.Socket({ fd: this.#ours, readable: !this.#writable, writable: this.#writable });
    return daemon ? socket.unref() : socket;
  }

  abandon(): void {
    if (this.#ours === undefined) return;
    closeSync(this.theirs);
    closeSync(this.#ours);
  }
}

/**
 * Fixtures in real processes, each under a watchdog.
 */
import { type ChildProcess, fork, type Serializable, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machineNow } from './machine-clock.js';
import { slowness } from './slowness.js';

/** Milliseconds that a child may live, and between two looks at it. */
const WATCHDOG = 30_000 * slowness;
const LOOK = 500;

/** How a child ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly serialization?: 'json' | 'advanced';
  readonly watchdog?: number;
  /** A command that starts the program given behind its own arguments, in surroundings of its own; see `worlds.ts`. */
  readonly within?: readonly string[];
}

const running = new Set<Child>();
const pids = new Set<number>();

/** Children that have not ended yet. */
export function runningChildren(): readonly Child[] {
  return [...running];
}

/** Pids of all children that were ever started here. */
export function startedPids(): ReadonlySet<number> {
  return pids;
}

/** A fixture in a process of its own. */
export class Child {
  readonly pid: number;
  readonly fixture: string;
  /** Resolves at the end, however it came; rejects when the watchdog had to end it. */
  readonly exit: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #messages: unknown[] = [];
  readonly #readers: ((message: unknown) => void)[] = [];
  #stdout = '';
  #stderr = '';

  constructor(
    fixture: string,
    { args = [], env, serialization = 'advanced', watchdog = WATCHDOG, within = [] }: ChildOptions,
  ) {
    this.fixture = fixture;
    this.#process = fork(fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url)), [...args], {
      env: { ...process.env, ...env },
      serialization,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execPath: within[0] ?? process.execPath,
      execArgv: within.length === 0 ? [] : [...within.slice(1), process.execPath],
    });
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`Cannot start ${fixture}`);
    this.pid = pid;
    pids.add(pid);
    running.add(this);
    this.#process.stdout?.on('data', (data: Buffer) => (this.#stdout += data.toString()));
    this.#process.stderr?.on('data', (data: Buffer) => (this.#stderr += data.toString()));
    this.#process.on('message', (message) => {
      const reader = this.#readers.shift();
      if (reader === undefined) this.#messages.push(message);
      else reader(message);
    });
    this.exit = this.#watch(watchdog);
    // A test that fails for another reason looks at the exit no more.
    this.exit.catch(() => undefined);
  }

  /** Sends a message to the fixture. */
  send(message: Serializable): void {
    this.#process.send(message);
  }

  /** The next message from the fixture; rejects when it ends first. */
  async message(): Promise<unknown> {
    if (this.#messages.length > 0) return this.#messages.shift();
    const message = new Promise<unknown>((resolve) => this.#readers.push(resolve));
    const end = this.exit.then((exit) => {
      throw new Error(`${this.fixture} ended without a message: ${JSON.stringify(exit)}`);
    });
    return Promise.race([message, end]);
  }

  /** Sends a signal. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process.kill(signal);
  }

  async #watch(watchdog: number): Promise<Exit> {
    let dump: string | undefined;
    const deadline = machineNow() + watchdog;
    const timer = setInterval(() => {
      if (machineNow() < deadline) return;
      dump ??= this.#dump();
      this.kill('SIGKILL');
    }, LOOK);
    const [code, signal] = (await once(this.#process, 'close')) as [number | null, NodeJS.Signals | null];
    clearInterval(timer);
    running.delete(this);
    if (dump !== undefined) throw new Error(`${this.fixture} did not end within ${watchdog} ms\n${dump}`);
    return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
  }

  #dump(): string {
    const threads = (file: string): string => {
      try {
        return readFileSync(`/proc/${this.pid}/${file}`, 'utf8').trim();
      } catch (error) {
        return String(error);
      }
    };
    const status = threads('status')
      .split('\n')
      .filter((line) => /^(State|Threads|SigQ)/.test(line))
      .join(', ');
    const { stdout } = spawnSync(process.execPath, [commandLineTool, 'ls']);
    return `${status}\nwaits in ${threads('wchan')}\nstdout: ${this.#stdout}\nstderr: ${this.#stderr}\n${String(stdout)}`;
  }
}

/** The file of the command line tool. */
export const commandLineTool = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Starts `test/fixtures/<fixture>`. */
export function startChild(fixture: string, options: ChildOptions = {}): Child {
  return new Child(fixture, options);
}

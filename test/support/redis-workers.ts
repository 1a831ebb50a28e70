/**
 * Processes of `multiproc worker`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { commandLineTool } from './run-child.js';

/** The tasks that they do by default. */
export const remoteTasks = fileURLToPath(new URL('../fixtures/remote-tasks.mjs', import.meta.url));

export interface WorkersOptions {
  readonly engine: string;
  readonly namespace: string;
  readonly module?: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** One run of the command. */
export class Workers {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  output = '';

  constructor({ engine, namespace, module = remoteTasks, args = ['--processes', '1'], env = {} }: WorkersOptions) {
    const words = ['worker', '--engine', engine, '--namespace', namespace, '--module', module, ...args];
    this.#process = spawn(process.execPath, [commandLineTool, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (data: Buffer) => (this.output += data.toString()));
    this.#ended = once(this.#process, 'close');
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** @returns exit code or signal, when its children have ended, too. */
  async ended(): Promise<number | string | null> {
    const [code, signal] = (await this.#ended) as [number | null, string | null];
    return signal ?? code;
  }

  async end(): Promise<void> {
    this.signal('SIGTERM');
    await this.ended();
  }
}

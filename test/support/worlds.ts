/**
 * Surroundings that a program can be started in: what `ChildOptions.within` takes. They need root, or a kernel that lets users make
 * namespaces; where neither is there the program does not start, and its test fails with what `unshare` said.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { commandLineTool } from './run-child.js';

const isRoot = process.geteuid?.() === 0;
const unshare = isRoot ? (['unshare'] as const) : (['unshare', '--user', '--map-root-user'] as const);

/** The first process, with pid 1, of a pid namespace of its own. What it sees in /dev/shm is what everybody sees. */
export const pidNamespace: readonly string[] = [...unshare, '--pid', '--fork', '--kill-child', '--mount-proc'];

/** A monotonic clock that shows so many seconds more. */
export function clockAhead(seconds: number): readonly string[] {
  return [...unshare, '--time', '--monotonic', String(seconds), '--fork', '--kill-child'];
}

/** A /dev/shm of its own, which several programs may use; it goes with the process that keeps it. */
export class OwnSharedMemory implements AsyncDisposable {
  /** Starts a program there. */
  readonly within: readonly string[];
  /** The folder, as seen from here. */
  readonly folder: string;
  readonly #keeper: ChildProcess;

  private constructor(keeper: ChildProcess) {
    this.#keeper = keeper;
    const pid = String(keeper.pid);
    const enter = isRoot ? ['--mount'] : ['--user', '--preserve-credentials', '--mount'];
    this.within = ['nsenter', '--target', pid, ...enter, '--'];
    this.folder = `/proc/${pid}/root/dev/shm`;
  }

  /** @param options of the mount, such as `size=1m`. */
  static async mount(options: string): Promise<OwnSharedMemory> {
    const script = `mount -t tmpfs -o ${options} tmpfs /dev/shm && echo mounted && exec cat`;
    const [file, ...args] = [...unshare, '--mount', 'sh', '-c', script];
    const keeper = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    keeper.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const ended = once(keeper, 'close').then(() => {
      throw new Error(`Cannot mount a /dev/shm for the test: ${said}`);
    });
    ended.catch(() => undefined);
    await Promise.race([once(keeper.stdout, 'data'), ended]);
    return new OwnSharedMemory(keeper);
  }

  /** Bare names of the library's files there, without the user's prefix. */
  files(): readonly string[] {
    return readdirSync(this.folder).flatMap((file) => /^multiproc\.\d+\.(.*)$/.exec(file)?.[1] ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#keeper, 'close');
    this.#keeper.stdin?.end();
    await closed;
  }
}

/** At most so many descriptors, and no core dump. */
export function withLimits({ descriptors }: { readonly descriptors?: number }): readonly string[] {
  const limits = descriptors === undefined ? '' : `ulimit -n ${descriptors} && `;
  return ['sh', '-c', `${limits}ulimit -c 0 && exec "$@"`, 'sh'];
}

/** As a user whom limits bind: for root another one, who may read whatever root may. */
export const asNobody: readonly [string, ...string[]] = isRoot
  ? [
      'setpriv',
      ...['--reuid', '65534', '--regid', '65534', '--clear-groups'],
      ...['--inh-caps', '+dac_override', '--ambient-caps', '+dac_override', '--'],
    ]
  : ['env'];

/** Pid, as seen from here, of the process that a started `unshare --fork` has made. */
export function pidInside(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

export interface Listed {
  readonly name: string;
  readonly kind: string;
  readonly orphan: boolean;
  readonly participants: readonly { readonly pid: number; readonly alive: boolean }[];
}

/** Runs `multiproc <command> --json`, which is also a start of a program of the library. */
function runTool(command: string, within: readonly string[]): unknown {
  const [file, ...args] = [...within, process.execPath, commandLineTool, command, '--json'];
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 200_000 });
  if (status !== 0) throw new Error(`multiproc ${command} failed: ${stderr}`);
  return JSON.parse(stdout);
}

/** What `multiproc ls` shows. */
export function listSegments(within: readonly string[] = []): readonly Listed[] {
  return runTool('ls', within) as Listed[];
}

/** Runs `multiproc gc`. @returns names of what it removed. */
export function collectGarbage(within: readonly string[] = []): readonly string[] {
  return runTool('gc', within) as string[];
}

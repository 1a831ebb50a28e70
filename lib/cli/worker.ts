/**
 * `multiproc worker`: does the tasks of pools in Redis.
 */
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import type { RedisWorkerCrew, RedisWorkerOptions } from '../manager/redis/worker-crew.js';

export const workerUsage = `Usage: multiproc worker --engine URL --namespace NAME --module FILE [options]

Does the tasks of the pools of a manager in Redis, until it is told to end: on SIGTERM and SIGINT each
process finishes the task that it is working on; a second signal ends them at once.

  --engine URL       where the Redis server is, such as redis://host:6379; rediss:// for TLS. The password may be
                     in MULTIPROC_REDIS_PASSWORD (and MULTIPROC_REDIS_USERNAME) instead
  --namespace NAME   the manager's namespace
  --module FILE      a module with tasks; may be given several times
  --pool NAME        for pools of that name (default: default)
  --processes N      so many processes (default: one for each processor that may be used)
  --lease MS         the manager's lease, in milliseconds (default: 10000)
  --build TEXT       what the build of the modules is called, as the pool's option says (default: the files' bytes say)
  --help             print this text
`;

/** Runs it. @returns the exit code: 0 ended by a signal, 1 failed, 2 not understood. */
export async function runWorkers(args: string[]): Promise<number> {
  let crew: RedisWorkerCrew;
  try {
    const options = parse(args);
    if (options === undefined) {
      process.stdout.write(workerUsage);
      return 0;
    }
    const library = loadLibrary();
    crew = new library.RedisWorkerCrew(options, (line) => process.stderr.write(`multiproc worker: ${line}\n`));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${workerUsage}`);
    return 2;
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      crew.stop();
    });
  try {
    const failure = await crew.run();
    if (failure === undefined) return 0;
    process.stderr.write(`${failure}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
  }
  return 1;
}

/** What of the library's own files is needed here. */
interface Library {
  readonly RedisWorkerCrew: typeof RedisWorkerCrew;
}

/** Those files themselves, which the tasks' modules have, too: this tool's own copy would not know their processes. */
function loadLibrary(): Library {
  return (createRequire(import.meta.url)('../load.cjs') as { loadLibrary: () => Library }).loadLibrary();
}

/** @throws an error that says what is wrong. */
function parse(args: string[]): RedisWorkerOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      engine: text,
      namespace: text,
      module: { type: 'string', multiple: true },
      pool: text,
      processes: text,
      lease: text,
      build: text,
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  const { engine, namespace, module: modules = [], pool, build } = values;
  if (engine === undefined || namespace === undefined || modules.length === 0)
    throw new Error('Cannot start workers: --engine, --namespace and --module are needed');
  const [processes, lease] = [number(values.processes, 'processes'), number(values.lease, 'lease')];
  return { engine, namespace, modules, pool, build, processes, lease };
}

function number(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`Cannot start workers: --${what} must be a whole number, received ${JSON.stringify(text)}`);
}

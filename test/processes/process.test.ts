import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import {
  activeChildren,
  ClosedError,
  currentProcess,
  Event,
  getAllStartMethods,
  getStartMethod,
  isMainProcess,
  Lock,
  NotFoundError,
  NotTransferableError,
  parentProcess,
  Pipe,
  Process,
  type ProcessOptions,
  Queue,
  setExecutable,
  setStartMethod,
  StateError,
  SystemError,
  task,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Unregistered, UpperCaser } from '../fixtures/process-classes.mjs';
import {
  abort,
  askThreads,
  exitWith,
  fillStreams,
  ignoreTerm,
  runForEver,
  startChildren,
  startGrandchild,
  tellAboutYourself,
  tryToHaveChildren,
} from '../fixtures/tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { machineNow } from '../support/machine-clock.js';
import { startChild } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const fixtures = new URL('../fixtures/', import.meta.url);

/** Runs `body` with a queue that is closed afterwards. */
async function withQueue(body: (queue: Queue<never>) => Promise<void>): Promise<void> {
  const queue = new Queue<never>();
  try {
    await body(queue);
  } finally {
    queue.close();
  }
}

/** Runs a whole process; gives it back ended. */
async function run<A extends readonly unknown[]>(options: ProcessOptions<A>): Promise<Process<A>> {
  const child = new Process(options);
  child.start();
  await child.join();
  return child;
}

describe('life of a process', () => {
  test('before, during and after', () =>
    withQueue(async (queue) => {
      const child = new Process({
        target: tellAboutYourself,
        args: [queue],
        env: { ...process.env, MULTIPROC_TEST: 'yes' },
      });
      expect(child).toMatchObject({ pid: null, exitCode: null, signalCode: null, error: null, daemon: false });
      expect(child.isAlive()).toBe(false);
      expect(activeChildren()).toEqual([]);

      child.start();
      expect(child.pid).toBeGreaterThan(1);
      expect(child.pid).not.toBe(process.pid);
      expect(child.exitCode).toBeNull();
      expect(activeChildren()).toEqual([child]);
      await child.started;
      expect(await queue.get()).toMatchObject({
        name: child.name,
        pid: child.pid,
        processPid: child.pid,
        daemon: false,
        alive: true,
        exitCode: null,
        authkey: currentProcess().authkey,
        isMainProcess: false,
        children: 0,
        parent: { pid: process.pid, name: 'MainProcess', alive: true },
        argv: process.argv.slice(1),
        cwd: process.cwd(),
        environment: 'yes',
      });

      expect(await Promise.all([child.join(), child.join({ timeout: 200_000 }), child.sentinel])).toEqual([0, 0, 0]);
      expect(child.joinSync()).toBe(0);
      expect(child).toMatchObject({ exitCode: 0, signalCode: null, error: null });
      expect(child.isAlive()).toBe(false);
      expect(activeChildren()).toEqual([]);
      child.close();
      child.close();
    }));

  test('exitCode, isAlive and joinSync look for themselves: the event loop need not turn', () => {
    const child = new Process({ target: exitWith, args: [7] });
    child.start();
    while (child.isAlive());
    expect(child.exitCode).toBe(7);
    expect(child.joinSync({ timeout: 0 })).toBe(7);

    const other = new Process({ target: exitWith, args: [8] });
    other.start();
    expect(other.joinSync()).toBe(8);
  });

  test('names count within the class and tell the ancestors', async () => {
    const [first, second] = [new Process(), new Process()];
    const number = Number(/^Process-(\d+)$/.exec(first.name)?.[1]);
    expect(second.name).toBe(`Process-${number + 1}`);
    const [a, b] = Pipe();
    expect(new UpperCaser(a).name).toBe(`UpperCaser-${number + 2}`);
    a.close();
    b.close();
    second.name = 'other';
    expect(second.name).toBe('other');
    await withQueue(async (queue) => {
      const child = await run({ target: startChildren, args: [queue, [], 1], name: 'root' });
      expect(child.exitCode).toBe(0);
      const seen: unknown[] = [];
      while (!queue.empty()) seen.push(queue.getNowait());
      expect(seen).toEqual([
        { path: [], name: 'root' },
        { path: [0], name: `Process-${number + 3}:1` },
        { path: [1], name: `Process-${number + 3}:2` },
      ]);
    });
  });

  test('the main process is one, with no parent', () => {
    expect(isMainProcess).toBe(true);
    expect(parentProcess()).toBeNull();
    const main = currentProcess();
    expect(main).toBe(currentProcess());
    expect(main).toMatchObject({ name: 'MainProcess', pid: process.pid, daemon: false, exitCode: null });
    expect(main.isAlive()).toBe(true);
    expect(main.authkey.length).toBeGreaterThan(0);
    for (const call of [
      () => {
        main.start();
      },
      () => main.joinSync(),
      () => {
        main.terminate();
      },
      () => {
        main.close();
      },
    ])
      expect(call).toThrow(StateError);
  });
});

describe('ends', () => {
  test('signals have the names that Node gives them', async () => {
    expect(await run({ target: abort, stdio: 'ignore' })).toMatchObject({ exitCode: -6, signalCode: 'SIGABRT' });
  });

  test.each(['input', 'output', 'join', 'exit', 'daemon'])(
    'a main program ends though a child waits for what its event loop would bring: %s',
    async (what) => {
      const { code, stdout } = await startChild('mains/exit-beside-pipes.mjs', { args: [what] }).exit;
      expect([code, stdout]).toEqual([0, what === 'join' ? '0\n' : '']);
    },
  );

  test('with tree, terminate reaches the descendants too', () =>
    withQueue(async (queue) => {
      const child = new Process({ target: startGrandchild, args: [queue] });
      child.start();
      const { pid } = (await queue.get()) as { pid: number };
      child.kill({ tree: true });
      await child.join();
      await until('the end of the grandchild', () => isGone(pid));
    }));

  test('a grandchild notices the death of its parent, and is not ended by it', () =>
    withQueue(async (queue) => {
      const child = new Process({ target: startGrandchild, args: [queue] });
      child.start();
      const first = (await queue.get()) as { pid: number };
      expect(first).toMatchObject({ parent: child.pid, early: false });
      child.kill();
      expect(await queue.get()).toEqual({ gone: true, sync: true, alive: false });
      await until('the end of the grandchild', () => isGone(first.pid));
    }));

  test('a main program ends after its children, and its daemons after those', async () => {
    for (const [how, code] of [
      ['return', 0],
      ['exit', 3],
      ['throw', 1],
    ] as const) {
      const { code: exitCode, stdout } = await startChild('mains/order-of-ends.mjs', { args: [how] }).exit;
      expect([how, exitCode]).toEqual([how, code]);
      const lines = stdout.trim().split('\n');
      expect(lines.filter((line) => line !== 'child')).toEqual(['main', 'main ends true', 'later 0 -15', 'after -15']);
      expect(lines.indexOf('child')).toBeLessThan(lines.indexOf('later 0 -15'));
    }
  });

  test('when a main program is killed, its daemons end within 3 s, busy ones too; others go on', async () => {
    const main = startChild('mains/killed-main.mjs');
    const [idle = 0, busy = 0, other = 0] = (await main.message()) as number[];
    main.kill('SIGKILL');
    const killed = machineNow();
    await until('the end of the daemons', () => isGone(idle) && isGone(busy));
    expect(machineNow() - killed).toBeLessThan(3000 * slowness);
    expect(isGone(other)).toBe(false);
    process.kill(other, 'SIGKILL');
    await until('the end of the other child', () => isGone(other));
    await main.exit;
  });
});

describe('refusals', () => {
  const target = { module: new URL('tasks.mjs', fixtures).href, name: 'tell' };

  test.each([
    ['no options', 5],
    ['null', null],
    ['target', { target: 5 }],
    ['target of the wrong kind', { target: { module: 5 } }],
    ['args', { target, args: 5 }],
    ['kwargs', { target, kwargs: 5 }],
    ['name', { name: 5 }],
    ['daemon', { daemon: 'yes' }],
    ['stdio', { stdio: 'all' }],
    ['two streams', { stdio: ['ignore', 'pipe'] }],
    ['execArgv', { execArgv: '--import' }],
    ['env', { env: 'A=1' }],
    ['cwd', { cwd: 5 }],
    ['maxMemory', { maxMemory: '1g' }],
    ['drain', { drain: 1 }],
  ])('of wrong options at once: %s', (_what, options) => {
    expect(() => new Process(options as never)).toThrow(TypeError);
  });

  test('of a memory limit that nothing can run with', () => {
    for (const maxMemory of [0, -1, NaN, Infinity, 1000]) expect(() => new Process({ maxMemory })).toThrow(RangeError);
  });

  const local = (): number => 1;
  test.each<[string, () => Pick<Process, 'start' | 'pid'>, new (...args: never[]) => Error]>([
    ['a closure', () => new Process({ target: local }), NotTransferableError],
    ['a function without a name', () => new Process({ target: () => local() }), NotTransferableError],
    ['an argument that cannot travel', () => new Process({ target, args: [{ deep: [local] }] }), NotTransferableError],
    ['a closed object', () => new Process({ target, args: [closedLock()] }), ClosedError],
    [
      'a missing module',
      () => new Process({ target: { module: 'file:///nowhere/there.mjs', name: 'x' } }),
      NotFoundError,
    ],
    ['a relative module', () => new Process({ target: { module: './tasks.mjs', name: 'x' } }), TypeError],
    ['a missing folder', () => new Process({ target, cwd: '/nowhere' }), TypeError],
    ['a closed descriptor', () => new Process({ target, stdio: ['ignore', 'inherit', 9999] }), SystemError],
  ])('of %s at start(), and nothing is started', (_what, make, error) => {
    const child = make();
    const before = readdirSync('/proc/self/fd').length;
    expect(() => {
      child.start();
    }).toThrow(error);
    expect(child.pid).toBeNull();
    expect(activeChildren()).toEqual([]);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  test('of a second start, of close while it runs, and of everything after close', async () => {
    const running = new Event();
    const child = new Process({ target: runForEver, args: [running] });
    await expect(child.join()).rejects.toThrow(StateError);
    expect(() => child.sentinel).toThrow(StateError);
    child.start();
    expect(() => {
      child.start();
    }).toThrow(StateError);
    expect(() => {
      child.close();
    }).toThrow(StateError);
    expect(() => (child.daemon = true)).toThrow(StateError);
    expect(() => (child.name = 5 as never)).toThrow(TypeError);
    await running.wait();
    child.terminate();
    await child.join();
    child.close();
    expect(child.name).toMatch(/^Process-/);
    for (const use of [
      () => {
        child.start();
      },
      () => child.isAlive(),
      () => child.pid,
      () => child.exitCode,
      () => child.error,
      () => child.sentinel,
      () => child.joinSync(),
      () => {
        child.terminate();
      },
      () => child.daemon,
    ])
      expect(use).toThrow(ClosedError);
    await expect(child.join()).rejects.toThrow(ClosedError);
    expect(child.toString()).toContain('closed');
    running.close();
  });

  test('of children of a daemon', () =>
    withQueue(async (queue) => {
      const child = await run({ target: tryToHaveChildren, args: [queue], daemon: true });
      expect(child.exitCode).toBe(0);
      expect(await queue.get()).toEqual(['ERR_MULTIPROC_STATE', 'Cannot start Process: a daemon cannot have children']);
    }));

  test('of an unguarded start while a child imports its main: a clear error, no process bomb', async () => {
    const { code, stdout, stderr } = await startChild('mains/unguarded.mjs').exit;
    expect(code).toBe(0);
    expect(stdout).toBe('exit code 1 ERR_MULTIPROC_STATE\n');
    expect(stderr).toContain('if (isMainProcess) {');
  });

  test.each(['timer', 'import'])('of a start that the import sets going: %s', async (how) => {
    const { code, stdout } = await startChild('mains/unguarded-later.mjs', { args: [how] }).exit;
    expect(code).toBe(0);
    expect(stdout.trim().split('\n').sort()).toEqual(['ERR_MULTIPROC_STATE', 'exit code 0', 'hello']);
  });

  test('of a start in a thread of a daemon, which knows whose thread it is', () =>
    withQueue(async (queue) => {
      const child = await run({ target: askThreads, args: [queue], daemon: true, name: 'D' });
      expect(child.exitCode).toBe(0);
      expect(await queue.get()).toEqual({
        isMainProcess: false,
        daemon: true,
        name: 'D',
        parent: process.pid,
        refusal: 'Cannot start Process: a daemon cannot have children',
      });
    }));

  test('of a task that its module does not have', async () => {
    const child = await run({ target: { ...target, name: 'nothing' }, stdio: 'ignore' });
    expect(child.exitCode).toBe(1);
    expect(child.error).toMatchObject({ code: 'ERR_MULTIPROC_NOT_FOUND' });
  });

  test('of an executable that cannot be run', () => {
    setExecutable('/nowhere/node');
    try {
      expect(() => {
        new Process({ target }).start();
      }).toThrow(SystemError);
    } finally {
      setExecutable(process.execPath);
    }
    expect(() => {
      setExecutable(5 as never);
    }).toThrow(TypeError);
  });

  test('of unknown start methods', () => {
    expect(getAllStartMethods()).toContain('spawn');
    expect(getStartMethod()).toBe('spawn');
    expect(getStartMethod({ allowNone: true })).toBeNull();
    expect(() => {
      setStartMethod('fork' as never);
    }).toThrow(RangeError);
    setStartMethod('spawn');
    expect(() => {
      setStartMethod('spawn');
    }).toThrow(StateError);
    setStartMethod('spawn', { force: true });
  });
});

describe('subclasses', () => {
  test('a field that would hide a member of Process is refused at start()', () => {
    class Hiding extends Process {
      // @ts-expect-error -- an accessor of Process
      override error = null;
      static {
        Process.register(import.meta, this);
      }
    }
    expect(() => {
      new Hiding().start();
    }).toThrow(TypeError);
  });

  test('an unregistered class is refused at start(); so is registering what is no subclass', () => {
    expect(() => {
      new Unregistered().start();
    }).toThrow(NotTransferableError);
    expect(() => {
      Process.register(import.meta, Object as never);
    }).toThrow(TypeError);
    expect(() => {
      Process.register({} as never, Unregistered);
    }).toThrow(TypeError);
  });
});

describe('surroundings', () => {
  test('cwd, execArgv and maxMemory', () =>
    withQueue(async (queue) => {
      await run({
        target: tellAboutYourself,
        args: [queue],
        cwd: tmpdir(),
        execArgv: ['--no-warnings'],
        maxMemory: 256 * 2 ** 20,
      });
      const { cwd, execArgv, heap } = (await queue.get()) as unknown as {
        cwd: string;
        execArgv: string[];
        heap: number;
      };
      expect(cwd).toBe(tmpdir());
      expect(execArgv).toEqual(['--no-warnings', '--max-old-space-size=256']);
      expect(heap).toBeLessThan(400 * 2 ** 20);
    }));

  test('piped streams', async () => {
    const child = new Process({ target: fillStreams, stdio: 'pipe' });
    child.start();
    child.stdin?.write('some ');
    child.stdin?.end('text');
    const [output, errors] = await Promise.all([child.stdout?.toArray(), child.stderr?.toArray()]);
    expect(String(output)).toBe('SOME TEXT');
    expect(String(errors)).toBe('end of input\n');
    expect(await child.join()).toBe(0);
  });

  test('what children print never lands in shared memory, when there is no standard output', async () => {
    const main = startChild('mains/without-stdout.mjs');
    expect(await main.message()).toEqual(['done', 0]);
    expect((await main.exit).code).toBe(0);
  });

  test('many ended processes keep no descriptor and no listener', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 5; round++) {
      const child = new Process({ target: fillStreams, stdio: 'pipe' });
      child.start();
      child.kill();
      await child.join();
      child.close();
    }
    await until('the end of the pipes', () => readdirSync('/proc/self/fd').length <= before);
  });

  test('a daemon that ignores SIGTERM is killed at the end of main', () => {
    const program = `
      import { Event, isMainProcess, Process } from 'multiproc';
      import { ignoreTerm } from ${JSON.stringify(new URL('tasks.mjs', fixtures).href)};
      const running = new Event();
      const child = new Process({ target: ignoreTerm, args: [running], daemon: true });
      child.start();
      await running.wait();
      process.on('exit', () => console.log(child.exitCode));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    });
    expect([stdout, stderr]).toEqual(['-9\n', '']);
    expect(ignoreTerm).toBeTypeOf('function');
  });

  test('children have the same few descriptors, however many there are', () =>
    withQueue(async (queue) => {
      const gate = new Event();
      const children = Array.from({ length: 4 }, () => new Process({ target: runForEver, args: [gate] }));
      // Each opens some for a moment when it begins, and one that stays.
      const counts = (): Set<number> => new Set(children.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length));
      try {
        for (const child of children) {
          child.start();
          await child.started;
        }
        await until('equal numbers of descriptors', () => counts().size === 1);
        expect(counts().size).toBe(1);
      } finally {
        for (const child of children) child.kill();
        for (const child of children) await child.join();
      }
      gate.close();
      expect(queue.empty()).toBe(true);
    }));

  test('toString and inspect say what Python’s repr says', async () => {
    const child = new Process({ target: exitWith, args: [3], name: 'P', daemon: true });
    expect(child.toString()).toBe("<Process name='P' initial daemon>");
    child.start();
    expect(inspect(child)).toBe(`<Process name='P' pid=${child.pid} parent=${process.pid} started daemon>`);
    const { pid } = child;
    await child.join();
    expect(String(child)).toBe(`<Process name='P' pid=${pid} parent=${process.pid} stopped exitcode=3 daemon>`);
  });
});

test('a task keeps its type', () => {
  const add = task(import.meta, 'add', (a: number, b: string) => `${a}${b}`);
  expect(new Process({ target: add, args: [1, 'b'] }).isAlive()).toBe(false);
  // @ts-expect-error -- the second argument is no text
  expect(new Process({ target: add, args: [1, 2] }).isAlive()).toBe(false);
});

/** Has it ended? Whoever adopted it may take its time to bury it. */
function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

function closedLock(): Lock {
  const lock = new Lock();
  lock.close();
  return lock;
}

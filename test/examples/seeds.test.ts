/** The programs of examples/seeds/, which follow five tutorials of Python's module: each prints what the tutorial says. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compileSeeds } from '../../scripts/support/seeds.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

const seeds = fileURLToPath(new URL('../../examples/seeds/', import.meta.url));
const compiled = compileSeeds();
const faster = new URL('../fixtures/faster-timers.mjs', import.meta.url).href;
/** What these show depends on one sleep being over before another: a machine that stands still for a moment must not end both. */
const unhurried = new Set(['daemon']);

/** What a program prints, pids as letters in the order of their appearance. */
async function linesOf(name: string): Promise<string[]> {
  const { code, stdout, stderr } = await startChild(join('../../', 'build', 'seeds', `${name}.js`), {
    env: unhurried.has(name) ? {} : { NODE_OPTIONS: `--import ${faster}` },
  }).exit;
  const errors = stderr.split('\n').filter((line) => line !== '' && !line.includes('at '));
  const expected = name === 'uncaught-exception' ? ['Process Process-1:', 'RangeError: An error occurred!'] : [];
  expect({ code, errors }).toEqual({ code: 0, errors: expected });
  const pids = new Map<string, string>();
  return stdout
    .replace(/(?<=\[|id:|进程:?)(?!200\])\d{2,}(?=\]|正|$)/gm, (pid) => {
      const letter = pids.get(pid) ?? String.fromCharCode(65 + pids.size);
      pids.set(pid, letter);
      return letter;
    })
    .trimEnd()
    .split('\n');
}

/** Lines in the order of the alphabet: for processes that print at the same time. */
function sorted(lines: readonly string[]): string[] {
  return [...lines].sort();
}

function numbers(text: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => text.replace('%', String(n)));
}

const squares = Array.from({ length: 10 }, (_, n) => `Result: ${n * n}`);
const main = ["I'm main process -> [A] MainProcess", '[A] MainProcess terminated'];

/** Lines about children named ChildProcess-N, without what their order decides. */
function nameless(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/\[[B-Z]\] ChildProcess-\d/, 'CHILD'));
}

/** Of each line that is among these, where it is. */
function places(lines: readonly string[], wanted: readonly string[]): number[] {
  return wanted.map((line) => lines.indexOf(line));
}

function expectInOrder(lines: readonly string[], wanted: readonly string[]): void {
  const found = places(lines, wanted);
  expect({ lines, found: found.every((place) => place >= 0) }).toEqual({ lines, found: true });
  expect(found).toEqual([...found].sort((a, b) => a - b));
}

const programs: Readonly<Record<string, (lines: string[]) => void>> = {
  'start-and-join'(lines) {
    expect(lines).toEqual(['Rozpoczynam pracę', 'Kończę pracę']);
  },
  'queue-greeting'(lines) {
    expect(lines).toEqual(['Proces pozdrawia serdecznie!']);
  },
  'pipe-greeting'(lines) {
    expect(lines).toEqual(['Proces pozdrawia serdecznie!']);
  },
  'queue-timeouts'(lines) {
    // Under load the child may need longer than the second that the main process waits.
    expect(['Proces pozdrawia serdecznie!', 'Kolejka jest pusta']).toContain(lines.join());
  },
  'squares-by-slices'(lines) {
    expect(sorted(lines.slice(0, -1))).toEqual(
      sorted([
        ...['[1, 2, 3]', '[4, 5, 6]', '[7, 8, 9]'].map((part, n) => `Proces ${n + 1} pracuje z ${part}`),
        ...[1, 2, 3].map((n) => `Proces ${n} zakończony!`),
      ]),
    );
    expect(lines.at(-1)).toBe('Kwadraty: [1, 4, 9, 16, 25, 36, 49, 64, 81]');
  },
  'squares-by-queue'(lines) {
    expect(lines).toEqual(['Kwadraty: [1, 4, 9, 16, 25, 36, 49, 64, 81]']);
  },
  'background-polling'(lines) {
    expectInOrder(lines, [main[0] ?? '', "I'm main process, doing a job now", '[A] MainProcess terminated']);
    expectInOrder(lines, ['New process -> [B] ChildProcess-1', '127.0.0.1 [200]', '[B] ChildProcess-1 terminated']);
    expect(lines.filter((line) => line === "I'm main process, doing a job now")).toHaveLength(5);
    expect(lines.filter((line) => line === '127.0.0.1 [200]')).toHaveLength(5);
  },
  join(lines) {
    expect(lines).toEqual([
      "I'm main process -> [A] MainProcess",
      'New process -> [B] ChildProcess-1',
      '[B] ChildProcess-1 terminated',
      '[A] MainProcess terminated',
    ]);
  },
  'without-join'(lines) {
    expectInOrder(lines, [
      "I'm main process -> [A] MainProcess",
      '[A] MainProcess terminated',
      '[B] ChildProcess-1 terminated',
    ]);
    expect(lines.at(-1)).toBe('[B] ChildProcess-1 terminated');
  },
  daemon(lines) {
    expect(lines).not.toContain('[B] ChildProcess-1 terminated');
    expect(lines.filter((line) => line.startsWith('I') || line.startsWith('['))).toEqual(main);
  },
  'daemon-joined'(lines) {
    programs['join']?.(lines);
  },
  'several-processes'(lines) {
    expect(sorted(nameless(lines).map((line) => line.replace(/-\d$/, '-N')))).toEqual(
      sorted([...main, ...[1, 2, 3].map(() => 'New process -> CHILD'), ...[1, 2, 3].map(() => 'CHILD terminated')]),
    );
    for (const n of [1, 2, 3])
      expect(lines.join('\n')).toMatch(new RegExp(`New process -> \\[[B-D]\\] ChildProcess-${n}`));
  },
  'process-with-config'(lines) {
    for (const n of [0, 1, 2])
      expect(lines.join('\n')).toMatch(
        new RegExp(`\\[[B-D]\\] ChildProcess-${n + 1} will sleep for ${n}\\.000000 seconds`),
      );
    expectInOrder(lines, main);
  },
  'managed-containers'(lines) {
    expect(lines).toEqual(["[ 'Proces dodał element do listy' ]", "{ klucz: 'Wartość dodana przez proces' }"]);
  },
  'managed-queue-in-pool'(lines) {
    expect(nameless(lines).slice(0, 2)).toEqual(['当前进程(主进程)id:A', '写进程:B']);
    expect(lines.slice(2, 5)).toEqual(['A', 'B', 'C'].map((value) => `queue队列写入数据:${value}...`));
    expect(lines[5]).toMatch(/^读进程:[BC]$/);
    expect(lines.slice(6)).toEqual([
      ...['A', 'B', 'C'].map((value) => `从queue队列获取数据:${value}...`),
      '主进程结束。',
    ]);
  },
  'managed-values-in-pool'(lines) {
    const tasks = lines.slice(0, 5);
    expect(sorted(tasks.map((line) => line.slice(0, line.indexOf(','))))).toEqual(numbers('子进程[%]--normal:1', 5));
    // Others may go on between the lock's release and the print.
    for (const line of tasks)
      expect(line).toMatch(
        /shared_v:Value\('i', [1-5]\),shared_a:array\('i', \[[1-5], 1, 2\]\),shared_d:\{ count: [1-5] \}$/,
      );
    expect(lines.slice(5)).toEqual(["Value('i', 5) array('i', [5, 1, 2]) { count: 5 }", '主进程结束。']);
  },
  'managed-records'(lines) {
    expect(lines.filter((line) => line !== '')).toEqual([
      'A New record is added',
      ...['Computers', 'Histoty', 'Hindi', 'English'].flatMap((name, n) => [
        `Name: ${name}`,
        `Score: ${[1, 5, 9, 3][n]}`,
      ]),
    ]);
  },
  namespace(lines) {
    expect(lines).toEqual(['before Namespace(x=1, y=1)', 'after Namespace(x=6, y=10)']);
  },
  'jobs-one-way'(lines) {
    expectJobs(lines, []);
  },
  'jobs-two-way'(lines) {
    expectJobs(lines, squares);
  },
  'pipe-duplex'(lines) {
    expect(sorted(lines)).toEqual(
      sorted([
        ...main,
        'send 10 to pipe',
        'New process -> [B] ChildProcess-1',
        '[B] ChildProcess-1 got a job 10',
        '[B] ChildProcess-1 terminated',
        'Result: 20',
      ]),
    );
  },
  'pipe-per-process'(lines) {
    expectJobs(lines, squares);
    // One pipe each: the results come in the order of sending.
    expect(lines.filter((line) => line.startsWith('Result'))).toEqual(squares);
  },
  'pipe-shared-by-many'(lines) {
    expectJobs(lines, squares);
  },
  'shared-sum'(lines) {
    expectJobs(
      lines.filter((line) => !line.startsWith('Result before')),
      ['Result: 45'],
    );
    expect(lines.join('\n')).toMatch(/Result before they are done: ([0-9]|[1-3][0-9]|4[0-5])$/m);
    expect(lines.at(-1)).toBe('[A] MainProcess terminated');
  },
  'joinable-queue'(lines) {
    expectJobs(lines, ['Result: 45']);
  },
  'two-processes'(lines) {
    expectInOrder(lines, ['当前进程(主进程)id:A', '接下来子进程开始运行...', 'p1的进程退出代码:0', '主进程结束。']);
    expect(lines.join('\n')).toMatch(/^p2的进程退出代码:(null|0)$/m);
    expect(lines.filter((line) => /^p[12]子进程[B-C]正在运行/.test(line))).toHaveLength(2);
  },
  'pool-of-three'(lines) {
    expect(lines.at(-1)).toBe('所有子进程结束啦...');
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
      expect(lines.join('\n')).toMatch(new RegExp(`^${name}子进程[B-D]正在运行`, 'm'));
      expect(lines.join('\n')).toMatch(new RegExp(`^${name}子进程运行[0-9.]+秒`, 'm'));
    }
  },
  'writer-and-reader'(lines) {
    expectInOrder(
      lines,
      ['A', 'B', 'C'].map((value) => `queue队列写入数据:${value}...`),
    );
    expect(lines.at(-1)).toBe('主进程结束。');
  },
  'queue-in-pool'(lines) {
    expectInOrder(lines, [
      ...['A', 'B', 'C'].map((value) => `queue队列写入数据:${value}...`),
      ...['A', 'B', 'C'].map((value) => `从queue队列获取数据:${value}...`),
      '主进程结束。',
    ]);
  },
  'queue-of-lists'(lines) {
    expect(lines).toEqual(["[ 42, null, 'hello' ]"]);
  },
  'pipe-of-lists'(lines) {
    expect(lines).toEqual(["[ 42, null, 'hello' ]"]);
  },
  'value-and-array'(lines) {
    expect(lines).toEqual(['3.1415927', '[0, -1, -2, -3, -4, -5, -6, -7, -8, -9]']);
  },
  'csp-processes'(lines) {
    expect(sorted(lines.slice(0, 2))).toEqual(['P1 exiting', 'P2 exiting']);
    expect(lines.slice(2)).toEqual(['Terminating']);
  },
  subclass(lines) {
    expect(lines).toEqual(['Hello from a process!']);
  },
  'target-function'(lines) {
    expect(lines).toEqual(['Hello from a process!']);
  },
  arguments(lines) {
    expect(lines).toEqual(['Hello from Process-1!']);
  },
  'producer-consumer-queue'(lines) {
    expectInOrder(lines, numbers('Produced %', 5));
    expectInOrder(lines, numbers('Consumed %', 5));
    expect(lines).toHaveLength(10);
  },
  'producer-consumer-pipe'(lines) {
    expectInOrder(lines, numbers('Sent %', 5));
    expectInOrder(lines, numbers('Received %', 5));
    expect(lines).toHaveLength(10);
  },
  counters(lines) {
    const [, m = ''] = /^Final m\.value:(\d+) n\.value:1000000 o\.value:1000000$/.exec(lines.join('\n')) ?? [];
    // How many are lost is luck.
    expect(Number(m)).toBeGreaterThanOrEqual(100_000);
    expect(Number(m)).toBeLessThanOrEqual(1_000_000);
  },
  'pool-map'(lines) {
    expect(sorted(lines)).toEqual(numbers('Worker %', 10));
  },
  factorials(lines) {
    // floor(log2(n!)) + 1, by Stirling's series.
    expect(lines).toEqual(
      [
        [100000, 1516705],
        [200000, 3233400],
        [300000, 5025583],
        [400000, 6866789],
        [500000, 8744448],
      ].map(([number, bits]) => `Factorial of ${number} is calculated: it has ${bits} bits.`),
    );
  },
  'caught-exception'(lines) {
    expect(lines).toEqual(['Exception in process: An error occurred!']);
  },
  'uncaught-exception'(lines) {
    expect(lines).toEqual(['Exit code 1, because of RangeError: An error occurred!']);
  },
  globals(lines) {
    expect(lines).toEqual([
      ...[1, 2, 3].map((n) => `In the process: counter 1, shared ${n}`),
      'In the main process: counter 0, shared 3',
    ]);
  },
};

/** Three children, ten jobs, an end for each; and what the main process prints about the results. */
function expectJobs(lines: readonly string[], results: readonly string[]): void {
  expect(sorted(nameless(lines))).toEqual(
    sorted([
      ...main,
      ...[1, 2, 3].flatMap(() => ['New process -> CHILD', 'CHILD got None', 'CHILD terminated']),
      ...numbers('CHILD got a job %', 10),
      ...results,
    ]),
  );
}

test('there is a test for each of them', () => {
  const files = readdirSync(seeds).map((file) => basename(file, '.ts'));
  expect(Object.keys(programs).sort()).toEqual(files.sort());
  expect(compiled).toContain('seeds');
});

test.each(Object.keys(programs))('%s', async (name) => {
  programs[name]?.(await linesOf(name));
});

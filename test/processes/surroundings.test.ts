import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { cpuCount, onExit, usableCpuCount } from 'multiproc';
import { expect, test } from 'vitest';
import { inheritedExecArguments } from '../../lib/processes/exec-arguments.js';

const folder = fileURLToPath(new URL('../..', import.meta.url));

function runProgram(
  program: string,
  within: readonly string[] = [],
): { stdout: string; stderr: string; status: number | null } {
  return spawnSync('env', [...within, process.execPath, '--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: folder,
  });
}

test('cpuCount() counts the machine’s processors, usableCpuCount() those of the affinity', () => {
  expect(cpuCount()).toBe(cpus().length);
  expect(usableCpuCount()).toBeGreaterThanOrEqual(1);
  expect(usableCpuCount()).toBeLessThanOrEqual(cpuCount());
  const { stdout } = runProgram("import { usableCpuCount } from 'multiproc'; console.log(usableCpuCount());", [
    'taskset',
    '-c',
    '0',
  ]);
  expect(stdout).toBe('1\n');
});

test.each([
  ['the end', '', 0],
  ['process.exit', 'process.exit(3);', 3],
  ['an uncaught error', "throw new Error('uncaught');", 1],
])('exit hooks run at %s: higher priorities first, then the latest first, whatever one throws', (_how, end, code) => {
  const { stdout, stderr, status } = runProgram(`
    import { onExit } from 'multiproc';
    onExit(() => console.log('low'), { priority: -1 });
    onExit(() => console.log('first'));
    onExit(() => { throw new Error('a bad hook'); });
    onExit(() => console.log('second'));
    onExit(() => console.log('high'), { priority: 10 });
    const cancel = onExit(() => console.log('cancelled'));
    cancel();
    ${end}`);
  expect(stdout).toBe('high\nsecond\nfirst\nlow\n');
  expect(stderr).toContain('a bad hook');
  expect(status).toBe(code);
});

test('onExit() refuses what is no function and no priority', () => {
  expect(() => onExit(5 as never)).toThrow(TypeError);
  expect(() => onExit(() => undefined, { priority: NaN })).toThrow(TypeError);
});

test('children inherit the options of Node, but for those that concern one process only', () => {
  expect(
    inheritedExecArguments(['--import', 'tsx', '-e', 'code', '--no-warnings', '--inspect=9229', '--input-type=module']),
  ).toEqual(['--import', 'tsx', '--no-warnings']);
  expect(
    inheritedExecArguments(['--input-type', 'module', '--eval=code', '--inspect', '--watch', '-r', './x.cjs']),
  ).toEqual(['-r', './x.cjs']);
});

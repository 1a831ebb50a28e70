/** The log: levels, handlers, what children inherit, and standard error in all its states. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { getLogger, type LogLevel, type LogRecord, logToStderr, Process, type ProcessOptions, Queue } from 'multiproc';
import { afterEach, expect, test } from 'vitest';
import { logIntoNothing, tellLevel } from '../fixtures/logs.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

const logger = getLogger();
const records: LogRecord[] = [];
const keep = (record: LogRecord): void => {
  records.push(record);
};

afterEach(() => {
  logger.removeHandler(keep);
  logger.setLevel('NOTSET');
  records.length = 0;
});

async function run<A extends readonly unknown[]>(options: ProcessOptions<A>): Promise<Process<A>> {
  const child = new Process(options);
  child.start();
  await child.join();
  return child;
}

test('levels are Python’s, by number and by name; none set counts as WARNING', () => {
  expect(getLogger()).toBe(logger);
  expect([logger.level, logger.getEffectiveLevel()]).toEqual([0, 30]);
  expect([logger.isEnabledFor('INFO'), logger.isEnabledFor(30)]).toEqual([false, true]);
  const numbers = { SUBDEBUG: 5, DEBUG: 10, INFO: 20, SUBWARNING: 25, WARNING: 30, ERROR: 40, CRITICAL: 50 };
  for (const [name, number] of Object.entries(numbers)) {
    logger.setLevel(name as LogLevel);
    expect([logger.level, logger.getEffectiveLevel()]).toEqual([number, number]);
    expect([logger.isEnabledFor(number), logger.isEnabledFor(number - 1)]).toEqual([true, false]);
  }
  logger.level = 'ERROR';
  expect(logger.level).toBe(40);
});

test.each([['info'], [-1], [1.5], [null], [{}]])('refuses the level %j', (level) => {
  const refused = expect.objectContaining({ code: 'ERR_MULTIPROC_ARGUMENT' }) as Error;
  const uses: ((level: never) => unknown)[] = [
    (wrong) => {
      logger.setLevel(wrong);
    },
    (wrong) => logger.isEnabledFor(wrong),
    (wrong) => {
      logger.log(wrong, 'text');
    },
  ];
  if (level !== null) uses.push((wrong) => logToStderr(wrong));
  for (const use of uses) expect(() => use(level as never)).toThrow(refused);
  expect(logger.hasHandlers()).toBe(false);
});

test('handlers get what is enabled, formatted; one that throws hinders nobody', () => {
  const fail = (): void => {
    throw new Error('from a handler');
  };
  logger.addHandler(fail);
  logger.addHandler(keep);
  logger.setLevel('SUBWARNING');
  logger.debug('no');
  logger.info('no');
  logger.warning('%s has %d', 'a', 3, { more: true });
  logger.error(new RangeError('an error'));
  logger.critical('the end');
  logger.removeHandler(fail);
  logger.log('SUBWARNING', 'just');
  logger.removeHandler(keep);
  logger.error('nobody');
  expect(records.map(({ level, levelName, message }) => [level, levelName, message.split('\n')[0]])).toEqual([
    [30, 'WARNING', 'a has 3 { more: true }'],
    [40, 'ERROR', 'RangeError: an error'],
    [50, 'CRITICAL', 'the end'],
    [25, 'SUBWARNING', 'just'],
  ]);
  expect(records[0]).toMatchObject({ processName: 'MainProcess', pid: process.pid });
  expect(() => {
    logger.addHandler('print' as never);
  }).toThrow(TypeError);
});

test('children and theirs inherit the level, and not the handlers of their parent', async () => {
  using queue = new Queue();
  logger.addHandler(keep);
  logger.setLevel(23);
  await run({ target: tellLevel, args: [queue, 2] });
  expect(queue.getNowait()).toEqual({ level: 23, toStderr: false });
  expect(queue.getNowait()).toEqual({ level: 23, toStderr: false });
});

test('a process tells which children it has started, and how they ended', async () => {
  logger.addHandler(keep);
  logger.setLevel('DEBUG');
  using queue = new Queue();
  const child = await run({ target: tellLevel, args: [queue, 1], name: 'told of' });
  expect(records.map(({ levelName, message }) => [levelName, message])).toEqual([
    ['DEBUG', `started told of as process ${child.pid}`],
    ['DEBUG', `process ${child.pid} has ended with exitcode 0`],
  ]);
});

test('logToStderr() prints [LEVEL/process-name] message, here and in children, once however often it is called', async () => {
  const { stderr, code } = await startChild('logs.mjs', { args: ['life'] }).exit;
  expect(code).toBe(0);
  expect(stderr.trimEnd().split('\n')).toEqual([
    '[INFO/worker] child process calling run()',
    '[INFO/worker] 3 items for all',
    '[SUBWARNING/renamed] a level of Python',
    '[Level 21/renamed] a level without a name',
    '[INFO/renamed] process exiting with exitcode 0',
    '[WARNING/MainProcess] it has ended with 0',
  ]);
});

test('a log whose reader has gone, or whose descriptor is closed, disturbs nobody', async () => {
  const program = fileURLToPath(new URL('../fixtures/logs.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, 'reader gone'], { stdio: 'pipe' });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stderr.destroy();
  await once(child.stderr, 'close');
  child.stdin.end('go\n');
  expect(await text(child.stdout)).toContain('still there');
  expect(await exit).toEqual([0, null]);

  using queue = new Queue<string>();
  const closed = await run({ target: logIntoNothing, args: [queue] });
  expect([closed.exitCode, queue.getNowait()]).toEqual([0, 'done']);
});

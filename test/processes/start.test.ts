/** How a child comes to its first line: the code that it is given, the module that it finds, and how it ends when there is nothing to do. */
import {
  Event,
  Manager,
  Pool,
  Process,
  type ProcessOptions,
  Queue,
  SharedMap,
  type SharedObject,
  SimpleQueue,
} from 'multiproc';
import { Channel } from 'multiproc/csp';
import { expect, test } from 'vitest';
import { misuse, neverSettle, scribble, settleAtLast, tellCode } from '../fixtures/starts.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const module = new URL('../fixtures/start-target.cjs', import.meta.url).href;

async function run<A extends readonly unknown[]>(options: ProcessOptions<A>): Promise<Process<A>> {
  const child = new Process(options);
  child.start();
  await child.join();
  return child;
}

test('a process gives its children what it has compiled, and they give it to theirs', async () => {
  using queue = new Queue<string>();
  const child = await run({ target: tellCode, args: [queue, 3] });
  expect(child.exitCode).toBe(0);
  const heads = [queue.getNowait(), queue.getNowait(), queue.getNowait()];
  expect(heads[0]).toMatch(/^256 (\d{5,}) \d+:[\d.]+:\d{5,}, \d{5,} \d{5,} \d+:[\d.]+:\d{5,}$/);
  expect(new Set(heads).size).toBe(1);
});

test('a child’s stray write does not change what others are given', async () => {
  expect((await run({ target: { module }, args: [3] })).exitCode).toBe(3);
  const scribbler = await run({ target: scribble, stdio: 'ignore' });
  expect([scribbler.exitCode, scribbler.error]).toEqual([1, expect.objectContaining({ code: 'EPERM' })]);
  expect((await run({ target: { module }, args: [3] })).exitCode).toBe(3);
});

test.each([[['--stack-size=900']], [['--no-opt']], [['--enable-source-maps']]])(
  'a child whose engine has other options, %j, compiles by itself, and gives its own children what it has made',
  async (execArgv) => {
    using queue = new Queue<string>();
    const child = await run({ target: tellCode, args: [queue, 3], execArgv });
    expect({ code: child.exitCode, error: child.error }).toEqual({ code: 0, error: null });
    const [first, ...others] = [queue.getNowait(), queue.getNowait(), queue.getNowait()];
    expect(new Set(others).size).toBe(1);
    if (!execArgv.includes('--enable-source-maps')) expect(others[0]).not.toBe(first);
  },
);

test('stack traces lead to the sources when Node is asked for that', async () => {
  const { error } = await run({ target: misuse, execArgv: ['--enable-source-maps'], stdio: 'ignore' });
  expect((error as Error & { remoteStack: string }).remoteStack).toMatch(/\/lib\/channels\/[-\w]+\.ts:\d+/);
});

test('a CommonJS module is found by its address: what it exports, and what it is', async () => {
  expect((await run({ target: { module }, args: [3] })).exitCode).toBe(3);
  expect((await run({ target: { module, name: 'named' }, args: [3] })).exitCode).toBe(4);
});

test('a promise that nothing can settle any more ends the process with 13, and says so', async () => {
  const child = new Process({ target: neverSettle, stdio: ['ignore', 'ignore', 'pipe'] });
  child.start();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  expect(await child.join()).toBe(13);
  expect(said).toContain('nothing can settle');
  expect((await run({ target: settleAtLast })).exitCode).toBe(0);
});

const withoutLibrary = new URL('../fixtures/without-library.cjs', import.meta.url).href;

test.each<[string, () => SharedObject]>([
  ['Event', () => new Event()],
  ['SharedMap', () => new SharedMap({ capacity: 10 })],
  ['SimpleQueue', () => new SimpleQueue()],
  ['Channel', () => new Channel()],
])('a child has the core alone until it is given what is not in it: %s', async (name, make) => {
  await using pool = new Pool(1);
  expect(await pool.apply({ module: withoutLibrary, name: 'loaded' })).toEqual(['core.cjs']);
  const object = make();
  expect(await pool.apply({ module: withoutLibrary, name: 'classOf' }, [object])).toBe(name);
  expect(await pool.apply({ module: withoutLibrary, name: 'loaded' })).toEqual(['core.cjs', 'multiproc.cjs']);
  object.close();
});

test('a proxy of a manager is known to a child that has the core alone', async () => {
  await using manager = await Manager();
  await using pool = new Pool(1);
  using list = await manager.list([1]);
  expect(await pool.apply({ module: withoutLibrary, name: 'classOf' }, [list])).toBe('ListProxy');
});

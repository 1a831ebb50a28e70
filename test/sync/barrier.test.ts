import {
  attach,
  Barrier,
  BrokenBarrierError,
  ClosedError,
  NotTransferableError,
  Semaphore,
  SharedArray,
  StateError,
  task,
} from 'multiproc';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const actions = new URL('../fixtures/barrier-action.mjs', import.meta.url).href;

test('Barrier.wait() gives each party of a round an index of its own', async () => {
  using barrier = new Barrier(3);
  for (let round = 0; round < 5; round += 1) {
    const indices = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]);
    expect(indices.sort()).toEqual([0, 1, 2]);
  }
  expect(barrier.parties).toBe(3);
  expect(barrier.nWaiting).toBe(0);
  expect(barrier.broken).toBe(false);
});

test('Barrier of one party never waits', async () => {
  using barrier = new Barrier(1);
  expect(barrier.waitSync()).toBe(0);
  expect(await barrier.wait()).toBe(0);
});

test('Barrier.wait() lets processes pass only together', async () => {
  using barrier = new Barrier(3);
  const agents = [new Agent(), new Agent()] as const;
  for (let round = 0; round < 10; round += 1) {
    const others = [agents[0].call<number>(barrier, 'waitSync'), agents[1].call<number>(barrier, 'wait')];
    await until('both wait', () => barrier.nWaiting === 2);
    expect(barrier.toString()).toBe('<Barrier waiters=2/3>');
    const own = round % 2 === 0 ? barrier.waitSync() : await barrier.wait();
    expect([own, ...(await Promise.all(others))].sort()).toEqual([0, 1, 2]);
  }
  await Promise.all(agents.map((agent) => agent.end()));
});

test('Barrier.wait() that times out breaks the barrier for all, until reset()', async () => {
  using barrier = new Barrier(3, { timeout: 200_000 });
  const agent = new Agent();
  const broken = expect(agent.call(barrier, 'waitSync')).rejects.toMatchObject({
    code: 'ERR_MULTIPROC_BROKEN_BARRIER',
  });
  await until('the agent waits', () => barrier.nWaiting === 1);
  const before = performance.now();
  await expect(barrier.wait({ timeout: 20 })).rejects.toThrow(BrokenBarrierError);
  expect(performance.now() - before).toBeGreaterThanOrEqual(20);
  await broken;
  expect(barrier.broken).toBe(true);
  expect(barrier.toString()).toBe('<Barrier broken>');
  expect(() => barrier.waitSync()).toThrow(BrokenBarrierError);
  barrier.reset();
  expect(barrier.broken).toBe(false);
  expect(() => barrier.waitSync({ timeout: 10 })).toThrow(BrokenBarrierError);
  await agent.end();
});

test('Barrier.wait() uses the timeout of the barrier', async () => {
  using barrier = new Barrier(2, { timeout: 15 });
  const before = performance.now();
  await expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
  barrier.reset();
  expect(() => barrier.waitSync()).toThrow(BrokenBarrierError);
  expect(performance.now() - before).toBeGreaterThanOrEqual(30);
});

test('Barrier.wait() that is aborted breaks the barrier and rejects with the reason', async () => {
  using barrier = new Barrier(3);
  const controller = new AbortController();
  const broken = expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
  const aborted = barrier.wait({ signal: controller.signal });
  controller.abort(new Error('no more'));
  await expect(aborted).rejects.toThrow('no more');
  await broken;
});

test('Barrier.abort() and reset() break the waits of the moment', async () => {
  using barrier = new Barrier(2);
  const first = barrier.wait();
  barrier.abort();
  await expect(first).rejects.toThrow(BrokenBarrierError);
  expect(barrier.broken).toBe(true);
  barrier.reset();
  const second = barrier.wait();
  barrier.reset();
  await expect(second).rejects.toThrow(BrokenBarrierError);
  expect(barrier.broken).toBe(false);
  expect((await Promise.all([barrier.wait(), barrier.wait()])).sort()).toEqual([0, 1]);
});

test('Barrier is broken by the death of a party that waits', async () => {
  using barrier = new Barrier(3);
  const agent = new Agent();
  const lost = agent.call(barrier, 'waitSync').catch(() => 'killed');
  const broken = expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
  await until('both wait', () => barrier.nWaiting === 2);
  await agent.kill();
  expect(await lost).toBe('killed');
  await broken;
});

test.each([
  ['wait()', (barrier: Barrier) => barrier.wait()],
  ['waitSync()', async (barrier: Barrier) => Promise.resolve(barrier.waitSync())],
])('Barrier.%s of the last party does not count one that died', async (_name, arrive) => {
  using barrier = new Barrier(2);
  const agent = new Agent();
  const lost = agent.call(barrier, 'waitSync').catch(() => 'killed');
  await until('it waits', () => barrier.nWaiting === 1);
  await agent.kill();
  expect(await lost).toBe('killed');
  await expect((async () => arrive(barrier))()).rejects.toThrow(BrokenBarrierError);
  expect(barrier.broken).toBe(true);
});

test('Barrier runs its action once per round, before anybody goes on', async () => {
  using rounds = new Semaphore(0);
  using barrier = new Barrier(2, { action: { module: actions, name: 'countRound' } });
  const agent = new Agent({ env: { rounds: rounds.handle } });
  const waiting = barrier.wait();
  await until('one waits', () => barrier.nWaiting === 1);
  await agent.call(barrier, 'wait');
  expect(rounds.getValue()).toBe(1);
  await waiting;
  const again = barrier.wait();
  await until('one waits again', () => barrier.nWaiting === 1);
  await agent.call(barrier, 'waitSync');
  await again;
  expect(rounds.getValue()).toBe(2);
  await agent.end();
});

test('Barrier breaks when its action fails, and the party that ran it gets the error', async () => {
  using barrier = new Barrier(2, { action: { module: actions, name: 'fail' } });
  const first = expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
  await expect(barrier.wait()).rejects.toThrow('on purpose');
  await first;
  barrier.reset();
  const second = expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
  expect(() => barrier.waitSync()).toThrow('on purpose');
  await second;
});

test('Barrier takes an asynchronous action in wait(), not in waitSync()', async () => {
  using barrier = new Barrier(1, { action: { module: actions, name: 'laterOn' } });
  expect(await barrier.wait()).toBe(0);
  expect(() => barrier.waitSync()).toThrow(StateError);
  expect(barrier.broken).toBe(true);
});

test('Barrier finds a task by its name', async () => {
  using barrier = new Barrier(1, { action: { module: actions, name: 'named' } });
  expect(await barrier.wait()).toBe(0);
  using missing = new Barrier(1, { action: { module: actions, name: 'nobody' } });
  await expect(missing.wait()).rejects.toMatchObject({ code: 'ERR_MULTIPROC_NOT_FOUND' });
});

test('Barrier runs a plain function where it was made, and nowhere else', async () => {
  let calls = 0;
  using barrier = new Barrier(2, {
    action: () => {
      calls += 1;
    },
  });
  using second = attach<Barrier>(barrier);
  await Promise.all([barrier.wait(), second.wait()]);
  expect(calls).toBe(1);
  const agent = new Agent();
  const broken = expect(barrier.wait()).rejects.toThrow(BrokenBarrierError);
  await until('one waits', () => barrier.nWaiting === 1);
  await expect(agent.call(barrier, 'wait')).rejects.toMatchObject({ name: NotTransferableError.name });
  await broken;
  await agent.end();
});

test('Barrier runs a task of this module', async () => {
  let calls = 0;
  const action = task(import.meta, 'barrierAction', () => {
    calls += 1;
  });
  using barrier = new Barrier(1, { action });
  await barrier.wait();
  barrier.waitSync();
  expect(calls).toBe(2);
});

test.each([
  [0, RangeError],
  [-1, RangeError],
  [1.5, RangeError],
  ['2', TypeError],
  [undefined, TypeError],
])('Barrier refuses %j parties', (parties, errorClass) => {
  expect(() => new Barrier(parties as never)).toThrow(errorClass);
});

test('Barrier refuses bad options', () => {
  expect(() => new Barrier(2, { timeout: 'soon' as never })).toThrow(TypeError);
  expect(() => new Barrier(2, { action: 5 as never })).toThrow(TypeError);
  expect(() => new Barrier(2, { action: { module: 5 } as never })).toThrow(TypeError);
});

test('Barrier.close() breaks the barrier for those who wait with it', async () => {
  const barrier = new Barrier(3);
  using second = attach<Barrier>(barrier);
  const own = expect(barrier.wait()).rejects.toThrow(ClosedError);
  const other = expect(second.wait()).rejects.toThrow(BrokenBarrierError);
  barrier.close();
  await own;
  await other;
  await expect(barrier.wait()).rejects.toThrow(ClosedError);
  expect(() => barrier.waitSync()).toThrow(ClosedError);
  expect(() => barrier.nWaiting).toThrow(ClosedError);
  expect(barrier.toString()).toBe('<Barrier closed>');
});

test('Barrier passes many rounds', async () => {
  using barrier = new Barrier(2);
  const party = async (): Promise<number> => {
    let sum = 0;
    for (let round = 0; round < 1000; round += 1) sum += await barrier.wait();
    return sum;
  };
  const [first, second] = await Promise.all([party(), party()]);
  expect(first + second).toBe(1000);
});

test('what a party wrote before it arrived at the Barrier is seen by all after it', async () => {
  using array = new SharedArray('i', 100);
  using barrier = new Barrier(2, { timeout: 200_000 });
  const rounds = 500;
  const child = startChild('write-then-arrive.mjs', { args: [array.handle, barrier.handle, String(rounds)] });
  for (let round = 1; round <= rounds; round += 1) {
    array.fill(round, 50);
    if (round % 2 === 0) await barrier.wait();
    else barrier.waitSync();
    expect([...new Set(array.subarray(0, 50))]).toEqual([round]);
    await barrier.wait();
  }
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
});

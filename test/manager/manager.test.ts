/**
 * The manager itself: its life, its start, and its end.
 */
import { inspect } from 'node:util';
import {
  activeChildren,
  BrokenPipeError,
  Event,
  getStartMethod,
  Manager,
  NotTransferableError,
  Process,
  setStartMethod,
  StateError,
  SyncManager,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import {
  appendTo,
  failToPrepareManager,
  makePrepared,
  prepareManager,
  takeAndTell,
} from '../fixtures/manager-tasks.mjs';
import { isGone } from '../support/gone.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { machineNow } from '../support/machine-clock.js';
import { startChild } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';
import { until } from '../support/until.js';

expectNoLeftovers();

describe('its life', () => {
  test('is a process, a daemon named after the class, until its shutdown', async () => {
    const manager = await Manager();
    const [child] = activeChildren();
    expect(child?.pid).toBe(manager.pid);
    expect(child?.name).toMatch(/^SyncManager-\d+$/);
    expect(child?.daemon).toBe(true);
    expect(String(manager)).toBe(`<SyncManager pid=${manager.pid} started>`);
    expect(await manager.join({ timeout: 0 })).toBe(false);
    await manager.shutdown();
    expect(await manager.join()).toBe(true);
    await manager.shutdown();
    expect(inspect(manager)).toMatch(/ ended>$/);
    expect(child?.exitCode).toBe(0);
  });

  test('is used between start and shutdown only', async () => {
    const manager = new SyncManager();
    expect(manager.pid).toBeNull();
    await expect(manager.list()).rejects.toThrow(StateError);
    await expect(manager.stats()).rejects.toThrow('Cannot use the manager: it has not been started');
    await expect(manager.join()).rejects.toThrow(StateError);
    const starting = manager.start();
    await expect(manager.start()).rejects.toThrow('Cannot start the manager: it was started before');
    await starting;
    await expect(manager.start()).rejects.toThrow(StateError);
    using list = await manager.list([1]);
    await manager.shutdown();
    await expect(manager.start()).rejects.toThrow('Cannot start the manager: it was shut down');
    await expect(manager.list()).rejects.toThrow('Cannot use the manager: it was shut down');
    await expect(list.length()).rejects.toThrow(BrokenPipeError);
    expect(() => manager.register('Late', {})).toThrow(StateError);
  });

  test('refuses what it is not to be started with', async () => {
    await expect(Manager({ initializer: (() => undefined) as never })).rejects.toThrow(NotTransferableError);
    await expect(Manager({ initializer: 5 as never })).rejects.toThrow(TypeError);
    await expect(Manager({ initargs: 5 as never })).rejects.toThrow(TypeError);
  });

  test('an initializer runs before anybody is served', async () => {
    await using manager = new SyncManager();
    const newPrepared = manager.register<{ get(): unknown[] }>('Prepared', { factory: makePrepared });
    await manager.start({ initializer: prepareManager, initargs: ['a', { b: 1 }] });
    using prepared = await newPrepared();
    expect(await prepared.get()).toEqual(['a', { b: 1 }]);
  });

  test('an initializer that throws fails the start with its error', async () => {
    const manager = new SyncManager();
    await expect(manager.start({ initializer: failToPrepareManager })).rejects.toMatchObject({
      name: 'CounterError',
      code: 'E_COUNTER',
      message: 'not today',
    });
    await expect(manager.list()).rejects.toThrow(StateError);
    expect(await manager.join()).toBe(true);
  });

  test('a shutdown during the start ends both', async () => {
    const manager = new SyncManager();
    const starting = expect(manager.start()).rejects.toThrow(/shut down|has ended|ended with/);
    await manager.shutdown();
    await starting;
    expect(await manager.join({ timeout: 0 })).toBe(true);
  });

  test('goes on at the interrupt key, which is for the program to answer', async () => {
    await using manager = await Manager();
    using list = await manager.list([1]);
    process.kill(manager.pid ?? 0, 'SIGINT');
    expect(await list.value()).toEqual([1]);
  });

  test('is a process also where children are threads, which are clients of their own', async () => {
    const method = getStartMethod();
    setStartMethod('thread', { force: true });
    try {
      await using manager = await Manager();
      using list = await manager.list<number>();
      using lock = await manager.Lock();
      expect((await manager.stats()).pid).not.toBe(process.pid);
      const appending = new Process({ target: appendTo, args: [list, 1] });
      appending.start();
      expect(await appending.join()).toBe(0);
      expect(await list.value()).toEqual([1]);

      using taken = new Event();
      using end = new Event();
      const taking = new Process({ target: takeAndTell, args: [lock, taken, end] });
      taking.start();
      await taken.wait();
      expect((await manager.stats()).clients).toBe(2);
      const waiting = lock.hold();
      end.set();
      expect(await taking.join()).toBe(0);
      expect((await waiting).ownerDied).toBe(true);
    } finally {
      setStartMethod(method, { force: true });
    }
  });

  test('a program that never shuts it down ends by itself, and so does the manager', async () => {
    const main = startChild('mains/manager.mjs', { args: ['forget'] });
    const pid = Number(await main.message());
    expect(await main.exit).toMatchObject({ code: 0, signal: null, stdout: '[ 1, 2 ]\n', stderr: '' });
    await until('the end of the manager', () => isGone(pid));
  });

  test('D35: when the program is killed, the manager is gone within three seconds, and so are workers of its pools', async () => {
    const main = startChild('mains/manager.mjs', { args: ['stay'] });
    const pids = (await main.message()) as number[];
    expect(pids.length).toBe(2);
    expect(pids.some(isGone)).toBe(false);
    main.kill('SIGKILL');
    const killed = machineNow();
    await until('the end of all', () => pids.every(isGone));
    expect(machineNow() - killed).toBeLessThan(3000 * slowness);
    await main.exit;
  });
});

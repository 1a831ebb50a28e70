/**
 * Two pid namespaces over one /dev/shm: in each there is a process with pid 1, and neither can see the other.
 */
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';
import {
  collectGarbage,
  listSegments,
  type Listed,
  OwnSharedMemory,
  pidInside,
  pidNamespace,
} from '../support/worlds.js';

expectNoLeftovers();

/** Two processes in a namespace each, and the handle of an object that the first has made. */
async function twoWorlds(
  className: string,
  within: readonly string[] = pidNamespace,
): Promise<{ one: Agent; other: Agent; handle: string; name: string }> {
  const name = `pids-${className}-${process.pid}`;
  const one = new Agent({ within });
  const other = new Agent({ within });
  const handle = await one.get<string>(`new:${className}:${name}`, 'handle');
  return { one, other, handle, name };
}

function listed(name: string, within: readonly string[] = pidNamespace): Listed | undefined {
  return listSegments(within).find((segment) => segment.name === name);
}

const waiters = async (agent: Agent, handle: string): Promise<number> =>
  (await agent.call<{ waiters: number }>(handle, 'stats')).waiters;

test('a lock tells two owners with the same pid apart', async () => {
  const { one, other, handle, name } = await twoWorlds('Lock');
  expect(await one.call(handle, 'acquireSync')).toBe(true);
  expect(await other.call(handle, 'tryAcquire')).toBe(false);
  expect(await one.call(handle, 'toString')).toBe('<Lock(owner=MainProcess)>');
  expect(await other.call(handle, 'toString')).toBe('<Lock(owner=SomeOtherProcess pid=1)>');
  expect(listed(name)?.participants).toEqual([
    expect.objectContaining({ pid: 1, alive: true }),
    expect.objectContaining({ pid: 1, alive: true }),
  ]);
  await one.call(handle, 'release');
  await Promise.all([one.end(), other.end()]);
  expect(listed(name)).toBeUndefined();
});

test('an RLock is not its owner’s namesake’s to release', async () => {
  const { one, other, handle } = await twoWorlds('RLock');
  await one.call(handle, 'acquireSync');
  await expect(other.call(handle, 'release')).rejects.toMatchObject({ code: 'ERR_MULTIPROC_OWNER' });
  expect(await other.call(handle, 'tryAcquire')).toBe(false);
  expect(await one.call(handle, 'tryAcquire')).toBe(true);
  await Promise.all([one.end(), other.end()]);
});

test('the death of an owner is told to its namesake in the other namespace, once', async () => {
  const { one, other, handle } = await twoWorlds('Lock');
  await one.call(handle, 'hold');
  const held = other.call<{ ownerDied: boolean }>(handle, 'hold');
  await until('the other waits', async () => (await waiters(other, handle)) === 1);
  await one.kill();
  expect(await held).toEqual({ ownerDied: true });
  await other.call(`${handle}#hold`, 'release');
  expect(await other.call(handle, 'hold')).toEqual({ ownerDied: false });
  await other.end();
});

test('a stopped owner is not dead, although nobody in the other namespace can see its process', async () => {
  const { one, other, handle, name } = await twoWorlds('Lock');
  await one.call(handle, 'acquireSync');
  process.kill(pidInside(one.pid), 'SIGSTOP');
  // More than two slices, in each of which the waiter looks for the dead.
  expect(await other.call(handle, 'acquireSync', { timeout: 600 })).toBe(false);
  expect(collectGarbage(pidNamespace)).not.toContain(name);
  expect(listed(name)?.participants.map(({ alive }) => alive)).toEqual([true, true]);
  const waiting = other.call(handle, 'acquire');
  process.kill(pidInside(one.pid), 'SIGCONT');
  await one.call(handle, 'release');
  expect(await waiting).toBe(true);
  expect(await other.get(handle, 'ownerDied')).toBe(false);
  await Promise.all([one.end(), other.end()]);
});

test('messages go between the namespaces, large ones too, and what a killed worker had taken comes back', async () => {
  const { one, other, handle, name } = await twoWorlds('JoinableQueue');
  const large = 'x'.repeat(200_000);
  await one.call(handle, 'putSync', 'first');
  await one.call(handle, 'putSync', large);
  expect(await other.call(handle, 'qsize')).toBe(2);
  expect(await one.call(handle, 'takeSync')).toEqual({ value: 'first', attempts: 1 });
  await one.kill();
  // A program that starts in a third namespace, where neither pid means anything, takes nothing of a queue that is in use.
  expect(collectGarbage(pidNamespace)).not.toContain(name);
  // The dead one is found by whoever waits; until then what lies behind its message is delivered.
  expect((await other.call<string>(handle, 'getSync')) === large).toBe(true);
  expect(await other.call(handle, 'takeSync', { timeout: 200_000 })).toEqual({ value: 'first', attempts: 2 });
  await expect(other.call(handle, 'getNowait')).rejects.toMatchObject({ code: 'ERR_MULTIPROC_EMPTY' });
  await other.end();
});

test('what two namesakes leave is removed from a third namespace, by a process that has their pid too', async () => {
  // Elsewhere any other program that starts meanwhile could be the one that removes it.
  await using memory = await OwnSharedMemory.mount('size=64m');
  const within = [...memory.within, ...pidNamespace];
  const { one, other, handle, name } = await twoWorlds('Event', within);
  await other.call(handle, 'isSet');
  await Promise.all([one.kill(), other.kill()]);
  expect(collectGarbage(within)).toContain(name);
  expect(listed(name, within)).toBeUndefined();
});

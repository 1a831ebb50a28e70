/**
 * What killed processes leave behind, and who may take it away. In a /dev/shm of its own: elsewhere any program that starts would remove it
 * under the test's eyes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { collectGarbage, type Listed, listSegments, OwnSharedMemory } from '../support/worlds.js';

expectNoLeftovers();

let memory: OwnSharedMemory;
beforeAll(async () => {
  memory = await OwnSharedMemory.mount('size=64m');
});
afterAll(() => memory[Symbol.asyncDispose]());

/** A process that uses a segment of every kind, with messages too large for their queues, and has unlinked one queue. */
async function startUser(): Promise<Agent> {
  const agent = new Agent({ within: memory.within });
  await agent.call('new:Lock:named', 'acquireSync');
  await agent.call('new:Event:', 'set');
  await agent.call('new:Queue:jobs', 'putManySync', ['small', 'x'.repeat(100_000), 'y'.repeat(200_000)]);
  await agent.call('new:Queue:nameless', 'putSync', 'z'.repeat(100_000));
  await agent.call('new:Queue:nameless', 'unlink');
  await agent.call('new:SharedArray:', 'fill', 7);
  return agent;
}

/** How many files of which kind the user has. */
const everything = { arena: 2, queue: 2, memory: 1, spill: 3 };

function kinds(segments: readonly Listed[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of segments) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Lets a program of the library start and end there. */
async function startProgram(): Promise<void> {
  const agent = new Agent({ within: memory.within });
  await agent.get('new:Semaphore', 'handle');
  await agent.end();
}

test('what all users of it left is shown as orphans by ls, and gc removes all of it', async () => {
  const users = [await startUser()];
  const second = new Agent({ within: memory.within });
  for (const what of ['new:Lock:named', 'new:Queue:jobs']) {
    const handle = await users[0]?.get<string>(what, 'handle');
    await second.get(handle ?? '', 'closed');
  }
  users.push(second);
  expect(listSegments(memory.within).some(({ orphan }) => orphan)).toBe(false);
  for (const { child } of users) child.kill('SIGKILL');
  await Promise.all(users.map(({ child }) => child.exit));

  // `ls` is a program of the library too, but only looks.
  const left = listSegments(memory.within);
  expect(kinds(left)).toEqual(everything);
  expect(left.filter(({ orphan }) => !orphan)).toEqual([]);
  expect([...collectGarbage(memory.within)].sort()).toEqual(left.map(({ name }) => name).sort());
  expect(memory.files()).toEqual([]);
  expect(collectGarbage(memory.within)).toEqual([]);
});

test('the next program that starts removes all of it', async () => {
  const user = await startUser();
  await user.kill();
  expect(memory.files()).toHaveLength(8);
  await startProgram();
  expect(memory.files()).toEqual([]);
});

test('nothing that a stopped process uses is removed, by gc or by programs that start, and it goes on', async () => {
  const user = await startUser();
  const before = memory.files();
  expect(before).toHaveLength(8);
  user.child.kill('SIGSTOP');
  expect(collectGarbage(memory.within)).toEqual([]);
  await startProgram();
  expect(listSegments(memory.within).some(({ orphan }) => orphan)).toBe(false);
  expect([...memory.files()].sort()).toEqual([...before].sort());
  user.child.kill('SIGCONT');
  expect(await user.call('new:Lock:named', 'locked')).toBe(true);
  expect(await user.call('new:Queue:jobs', 'getManySync')).toEqual(['small', 'x'.repeat(100_000), 'y'.repeat(200_000)]);
  expect(await user.call('new:Queue:nameless', 'getSync')).toBe('z'.repeat(100_000));
  await user.end();
  expect(memory.files()).toEqual([]);
});

test('of several users the last one alive keeps everything, however the others ended', async () => {
  const maker = await startUser();
  const handle = await maker.get<string>('new:Queue:jobs', 'handle');
  const heir = new Agent({ within: memory.within });
  await heir.get(handle, 'closed');
  await maker.kill();
  expect(collectGarbage(memory.within)).not.toContain('jobs');
  expect(memory.files()).toContain('jobs');
  expect(await heir.call(handle, 'getManySync')).toEqual(['small', 'x'.repeat(100_000), 'y'.repeat(200_000)]);
  await heir.end();
  expect(memory.files()).toEqual([]);
});

test('the name of what all users left is free for whoever creates it next', async () => {
  const dead = await startUser();
  // It has swept already when the other dies.
  const next = new Agent({ within: memory.within });
  await next.get('new:Semaphore', 'handle');
  await dead.kill();
  expect(memory.files()).toContain('jobs');
  expect(await next.call('new:Queue:jobs', 'qsize')).toBe(0);
  expect(await next.call('new:Lock:named', 'tryAcquire')).toBe(true);
  await next.end();
  // The unlinked queue, and what was spilled: no name leads to them.
  expect(collectGarbage(memory.within).length).toBeGreaterThan(0);
  expect(memory.files()).toEqual([]);
});

/** The byte that who removes a file locks for itself, as in docs/protocol.md. */
const LIFE_LOCK_BYTE = 1099511627775;

/** Takes a file as if to remove it, and goes no further until it is killed: what a remover that is stopped looks like to others. */
const REMOVER = `
import fcntl, struct, sys
F_OFD_SETLK, F_WRLCK = 37, 1
file = open(sys.argv[1], 'r+b')
fcntl.fcntl(file, F_OFD_SETLK, struct.pack('hhqqi4x', F_WRLCK, 0, int(sys.argv[2]), 1, 0))
print('taken', flush=True)
sys.stdin.read()
`;

test('openOrCreate() beside a remover that is stopped ends with an error, and works when that has gone', async () => {
  const maker = new Agent({ within: memory.within });
  await maker.call('new:Lock:removed', 'acquireSync');
  expect(memory.files()).toEqual(['removed']);
  await maker.kill();
  const path = `/dev/shm/multiproc.${process.geteuid?.()}.removed`;
  const [command, ...args] = [...memory.within, 'python3', '-c', REMOVER, path, String(LIFE_LOCK_BYTE)];
  const remover = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(remover, 'close');
  try {
    expect(await Promise.race([once(remover.stdout, 'data').then(String), closed])).toMatch(/^taken/);
    const agent = new Agent({ within: memory.within });
    await expect(agent.call('openOrCreate:Lock:removed', 'locked')).rejects.toMatchObject({
      code: 'ERR_MULTIPROC_TIMEOUT',
    });
    remover.kill('SIGKILL');
    await closed;
    expect(await agent.call('openOrCreate:Lock:removed', 'locked')).toBe(false);
    await agent.end();
  } finally {
    remover.kill('SIGKILL');
    await closed;
  }
  expect(memory.files()).toEqual([]);
});

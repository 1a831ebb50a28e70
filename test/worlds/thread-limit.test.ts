/**
 * A process whose user has reached his limit of threads: waiting without blocking takes one.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { asNobody } from '../support/worlds.js';

expectNoLeftovers();

let outcomes: Record<string, unknown>;
let afterwards: unknown;

beforeAll(async () => {
  const child = startChild('thread-limit.mjs', { within: asNobody });
  outcomes = (await child.message()) as Record<string, unknown>;
  const hard = /^Max processes +\S+ +(\S+)/m.exec(readFileSync(`/proc/${child.pid}/limits`, 'utf8'))?.[1];
  // As the child's user: another one may not, unless it has more rights than root has in a container.
  const [file, ...args] = [...asNobody, 'prlimit', '--pid', String(child.pid), `--nproc=${hard}:`];
  execFileSync(file, args);
  child.send('the limit is gone');
  afterwards = await child.message();
  expect(await child.exit).toMatchObject({ code: 0, signal: null, stderr: '' });
});

const refused = {
  type: 'SystemError',
  code: 'ERR_MULTIPROC_SYSTEM',
  errno: constants.errno.EAGAIN,
  message: 'Cannot wait: the system refused: EAGAIN',
};

test.each(['get', 'get with a timeout', 'get many', 'put', 'acquire', 'wait for an event', 'wait for a condition'])(
  'without a thread to wait with, to %s gives SystemError with EAGAIN',
  (operation) => {
    expect(outcomes[operation]).toEqual(refused);
  },
);

test('without a thread to wait with, a barrier breaks, as by any wait that fails', () => {
  expect(outcomes['arrive at a barrier']).toEqual(refused);
});

test('without a thread to wait with, a condition keeps the lock that it could not wait without', () => {
  expect(outcomes['the condition is still held']).toBe(true);
});

test('without a thread to wait with, what does not wait works on, and nothing was lost or put', () => {
  expect(outcomes['get what is there']).toBe('kept');
  expect(outcomes['block for a moment']).toBe(false);
  expect(outcomes['messages that were put']).toBe(1);
});

test('once a thread can be had, waits work', () => {
  expect(afterwards).toEqual({ get: 'later', got: ['first', 'third'] });
});

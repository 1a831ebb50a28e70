/**
 * A process that has reached its limit of descriptors.
 */
import { constants } from 'node:os';
import { beforeAll, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { withLimits } from '../support/worlds.js';

expectNoLeftovers();

let outcomes: Record<string, unknown>;

beforeAll(async () => {
  const child = startChild('descriptor-limit.mjs', { within: withLimits({ descriptors: 64 }) });
  outcomes = (await child.message()) as Record<string, unknown>;
  expect(await child.exit).toMatchObject({ code: 0, signal: null, stderr: '' });
});

const refused = {
  type: 'SystemError',
  code: 'ERR_MULTIPROC_SYSTEM',
  errno: constants.errno.EMFILE,
  message: expect.stringMatching(/^Cannot .*(EMFILE|Too many open files|No file descriptors available)/) as unknown,
};

test.each([
  'make a Queue',
  'make a SharedMemory',
  'make a named Event',
  'put a large message',
  'put a large message later',
  'get the large message',
  'get the large message later',
  'get the large message in a batch',
  'attach what is gone',
])('at the limit, to %s gives SystemError with EMFILE', (operation) => {
  expect(outcomes[operation]).toEqual(refused);
});

test('at the limit, what needs no descriptor works on', () => {
  expect(outcomes['put and get a small message']).toBe('small');
  expect(outcomes['use a value']).toBe(1);
});

test('a message that could not be put is not there, and one that could not be got is', () => {
  expect(outcomes['size after that']).toBe(0);
  expect(outcomes['size after getting']).toBe(1);
});

test('below the limit everything works again, and the message arrives once', () => {
  expect(outcomes['put a large message when there is room again']).toBe('done');
  expect(outcomes['get the large message when there is room again']).toBe(true);
  expect(outcomes['make a Queue when there is room again']).toBe('done');
  expect(outcomes['size in the end']).toBe(0);
});

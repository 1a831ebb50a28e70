import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

test('objects that a program forgets are let go of; memory that it still views is not', async () => {
  expect(await startChild('forget.mjs').exit).toMatchObject({ code: 0, stderr: '' });
});

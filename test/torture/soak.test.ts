/** The short form of the soak with Node processes; the long one is `npm run torture -- soak-node`. */
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';

expectNoLeftovers();

/** What this test looks at of the figures. */
interface Figures {
  readonly kills: number;
  readonly messagesReceived: number;
  readonly lockEntries: number;
  readonly checks: number;
}

test('producers, consumers and lock users that are killed at random lose nothing and block nobody', async () => {
  const child = startChild('../torture/soak/main.mjs', {
    args: ['--kills', '40', '--seed', '20261121'],
    watchdog: 110_000 * slowness,
  });
  const { code, stdout, stderr } = await child.exit;
  expect(code, stderr).toBe(0);
  const figures = JSON.parse(stdout) as Figures;
  expect(figures.kills).toBeGreaterThanOrEqual(40);
  expect(figures.messagesReceived).toBeGreaterThan(100);
  expect(figures.lockEntries).toBeGreaterThan(10);
  expect(figures.checks).toBeGreaterThan(1);
});

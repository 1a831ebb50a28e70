import { expect, test } from 'vitest';
import { PollBudget } from '../../lib/internal/poll-budget.js';

/** Learns from `count` waits of `waited` milliseconds each. */
function learn(polling: PollBudget, waited: number, count = 1): void {
  for (let i = 0; i < count; i += 1) polling.learn(waited);
}

test('PollBudget polls at first, and as long as answers come at once', () => {
  const polling = new PollBudget();
  expect(polling.budget).toBeGreaterThan(0);
  learn(polling, 0.005, 100);
  expect(polling.budget).toBeGreaterThan(0);
});

test('PollBudget stops after one poll in vain, and stays so while waits are long', () => {
  const polling = new PollBudget();
  learn(polling, 10);
  expect(polling.budget).toBe(0);
  learn(polling, 10, 10_000);
  expect(polling.budget).toBe(0);
});

test('PollBudget tries again after short waits in a row, ever later when polling is in vain', () => {
  const polling = new PollBudget();
  const triesAfter = (): number => {
    learn(polling, 10);
    let waits = 0;
    while (polling.budget === 0) {
      learn(polling, 0.05);
      waits += 1;
    }
    return waits;
  };
  expect([triesAfter(), triesAfter(), triesAfter(), triesAfter()]).toEqual([4, 8, 16, 32]);
  for (let i = 0; i < 20; i += 1) triesAfter();
  expect(triesAfter()).toBe(1024);
  learn(polling, 0.005, 100);
  expect(triesAfter()).toBe(4);
});

test('PollBudget takes a long wait between the short ones as a new beginning', () => {
  const polling = new PollBudget();
  learn(polling, 10);
  learn(polling, 0.05, 3);
  learn(polling, 10);
  learn(polling, 0.05, 3);
  expect(polling.budget).toBe(0);
  learn(polling, 0.05);
  expect(polling.budget).toBeGreaterThan(0);
});

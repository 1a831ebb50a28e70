import { expect, test } from 'vitest';
import { PollBudget } from '../../lib/internal/poll-budget.js';

/** A budget whose clock goes on by what it waits. */
class Waits {
  readonly polling = new PollBudget();
  #time = 1000;

  /** Learns from `count` waits of `waited` milliseconds each. */
  learn(waited: number, count = 1): void {
    for (let i = 0; i < count; i += 1) {
      const begin = this.#time;
      this.#time += waited;
      this.polling.learn(begin, this.#time);
    }
  }

  /** Polls in vain. @returns milliseconds of short waits until it polls again. */
  pauseAfterVainPoll(): number {
    expect(this.polling.budget).toBeGreaterThan(0);
    this.learn(10);
    const begin = this.#time;
    while (this.polling.budget === 0) this.learn(1 / 16);
    return this.#time - begin;
  }
}

test('PollBudget polls at first, and as long as answers come at once', () => {
  const waits = new Waits();
  expect(waits.polling.budget).toBeGreaterThan(0);
  waits.learn(0.005, 100);
  expect(waits.polling.budget).toBeGreaterThan(0);
});

test('PollBudget stops after one poll in vain, and stays so while waits are long', () => {
  const waits = new Waits();
  waits.learn(10);
  expect(waits.polling.budget).toBe(0);
  waits.learn(10, 10_000);
  expect(waits.polling.budget).toBe(0);
});

test('PollBudget tries again after a pause, which is longer the more polls are in vain, up to 8 ms', () => {
  const waits = new Waits();
  expect([1, 2, 3, 4, 5, 6, 7].map(() => waits.pauseAfterVainPoll())).toEqual([0.5, 1, 2, 4, 8, 8, 8]);
});

test('PollBudget has forgotten vain polls after a few good ones', () => {
  const waits = new Waits();
  for (let i = 0; i < 6; i += 1) waits.pauseAfterVainPoll();
  waits.learn(0.005, 5);
  expect(waits.pauseAfterVainPoll()).toBe(0.5);
});

test('PollBudget polls after the pause only when the last wait was short', () => {
  const waits = new Waits();
  waits.learn(10);
  waits.learn(5, 100);
  expect(waits.polling.budget).toBe(0);
  waits.learn(0.5);
  expect(waits.polling.budget).toBeGreaterThan(0);
});

// @ts-check
import { Supervisor } from './soak/supervisor.mjs';

/** @type {import('./part.js').Part} */
export const part = {
  name: 'soak',
  summary: 'producers, consumers and lock users killed at random and started again, the ledger checked throughout',
  async run({ minutes, seed, log }) {
    const figures = await new Supervisor({ seconds: minutes * 60, kills: Infinity, steady: true, seed, log }).run();
    return { ok: true, figures };
  },
};

// @ts-check
import { Supervisor } from './soak/supervisor.mjs';

/** @type {import('./part.js').Part} */
export const part = {
  name: 'soak-node',
  summary: 'the soak with Node processes and the public interface: fewer kills, since each start takes long',
  async run({ minutes, seed, log }) {
    const figures = await new Supervisor({ seconds: minutes * 60, kills: Infinity, steady: true, seed, log }).run();
    return { ok: true, figures };
  },
};

// @ts-check
// A soak in a process of its own, for the short form: node main.mjs --kills N --seed S; prints its figures.

import { parseArgs } from 'node:util';
import { Supervisor } from './supervisor.mjs';

const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
const task = { kills: Number(values.kills), seconds: Infinity, steady: false, seed: Number(values.seed) };
const supervisor = new Supervisor({ ...task, log: (text) => process.stderr.write(`${text}\n`) });
process.stdout.write(JSON.stringify(await supervisor.run()));

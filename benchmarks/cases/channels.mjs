// @ts-check
/** What a communication of CSP costs. */
import { channels, networks } from '../harness/catalog.mjs';

/** @type {import('./case.mjs').Case} */
const commstime = {
  name: 'commstime',
  question:
    'How long does a communication take in the classic ring of four processes (prefix, delta, successor, consumer), without a buffer?',
  metric: 'mean',
  unit: 'ns',
  better: 'lower',
  parameters: {},
  fixedCount: 5000,
  contenders: Object.values(channels),
  targets: [],
};

/** @type {import('./case.mjs').Case} */
const sieve = {
  name: 'prime-sieve',
  question: 'How long until a network with a process for each prime has found the first 30, its start included?',
  metric: 'elapsed',
  unit: 'ns',
  better: 'lower',
  parameters: {},
  fixedCount: 30,
  contenders: Object.values(networks.sieve),
  targets: [],
};

/** @type {import('./case.mjs').Case} */
const mandelbrot = {
  name: 'mandelbrot',
  question: 'How long does a farm of two workers take for a picture of 700 × 400 points, its start included?',
  metric: 'elapsed',
  unit: 'ns',
  better: 'lower',
  parameters: {},
  fixedCount: 700,
  contenders: Object.values(networks.mandelbrot),
  targets: [],
};

export const channelCases = [commstime, sieve, mandelbrot];

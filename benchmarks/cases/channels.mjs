// @ts-check
/** What a communication of CSP costs. */
import { channels } from '../harness/catalog.mjs';

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

export const channelCases = [commstime];

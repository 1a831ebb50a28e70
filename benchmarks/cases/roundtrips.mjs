// @ts-check
/** Latency of a message there and one back. */
import { pipes, roundtrips } from '../harness/catalog.mjs';
import { CAPACITY } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */

const WARMUP = 2000;
const IDLE_ROUNDS = 100;
const REST_MS = 10;

/** @type {Case} */
const hot = {
  name: 'roundtrip-hot',
  question:
    'How long does a 100-byte message take to another process and back while both sides are busy with nothing else?',
  metric: 'median',
  unit: 'ns',
  better: 'lower',
  parameters: {
    kind: 'bytes',
    size: 100,
    batch: 1,
    capacity: CAPACITY,
    producers: 1,
    consumers: 1,
    warmup: WARMUP,
    pause: 0,
  },
  contenders: Object.values(roundtrips),
  targets: [
    {
      text: "sync spinning: 1/20 of process.send's",
      of: 'multiproc',
      against: ['send-json', 'send-advanced'],
      bound: 'atMost',
      value: 1 / 20,
    },
    {
      text: "async hot: 1/8 of process.send's",
      of: 'multiproc-async',
      against: ['send-json', 'send-advanced'],
      bound: 'atMost',
      value: 1 / 8,
    },
  ],
};

/** @type {Case} */
const idle = {
  ...hot,
  name: 'roundtrip-idle',
  question: `How long does a 100-byte message take to another process and back after both sides rested for ${REST_MS} ms?`,
  parameters: { ...hot.parameters, pause: REST_MS },
  fixedCount: IDLE_ROUNDS,
  targets: [
    {
      text: "async from idle: 1/1 of process.send's",
      of: 'multiproc-async',
      against: ['send-json', 'send-advanced'],
      bound: 'atMost',
      value: 1,
    },
  ],
};

/** @type {Case} */
const pipe = {
  ...hot,
  name: 'pipe-roundtrip',
  question:
    'How long does a 100-byte message take through a pipe and back while both sides are busy with nothing else?',
  contenders: Object.values(pipes),
  targets: [
    {
      text: "async hot: 1/5 of process.send's",
      of: 'multiproc-async',
      against: ['send-json', 'send-advanced'],
      bound: 'atMost',
      value: 1 / 5,
    },
    { text: "sync: ahead of Python's Pipe", of: 'multiproc', against: ['python-pipe'], bound: 'atMost', value: 1 },
  ],
};

export const roundtripCases = [hot, idle, pipe];

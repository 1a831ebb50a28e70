// @ts-check
/** Throughput of small byte messages, by number of producers and consumers. */
import { streams } from '../harness/catalog.mjs';
import { CAPACITY } from './case.mjs';

/** @typedef {import('./case.mjs').Case} Case */

const SIZE = 100;
const bytes = { kind: 'bytes', size: SIZE, batch: 1, capacity: CAPACITY };

/** @type {Case} */
const oneToOne = {
  name: 'raw-1to1',
  question: 'How many 100-byte messages a second pass from one process to another, one call each?',
  metric: 'rate',
  unit: 'messages/s',
  better: 'higher',
  parameters: { ...bytes, producers: 1, consumers: 1 },
  contenders: [
    streams.sync,
    streams.async,
    streams.bareRing,
    streams.mutexRing,
    streams.sendJson,
    streams.sendAdvanced,
    streams.threads,
    streams.socket,
    streams.zeromq,
    streams.disruptor,
    streams.pythonQueue,
    streams.pythonSimpleQueue,
    streams.denque,
    streams.fastq,
  ],
  targets: [
    { text: '40 × process.send advanced', of: 'multiproc', against: ['send-advanced'], bound: 'atLeast', value: 40 },
    { text: '15 × zeromq', of: 'multiproc', against: ['zeromq'], bound: 'atLeast', value: 15 },
    { text: '3 × shared-memory-disruptor', of: 'multiproc', against: ['disruptor'], bound: 'atLeast', value: 3 },
    { text: '0.25 × the bare C++ ring', of: 'multiproc', against: ['bare-ring'], bound: 'atLeast', value: 0.25 },
    { text: 'ahead of the mutex ring', of: 'multiproc', against: ['mutex-ring'], bound: 'atLeast', value: 1 },
    {
      text: '20 × Python multiprocessing.Queue',
      of: 'multiproc',
      against: ['python-queue'],
      bound: 'atLeast',
      value: 20,
    },
  ],
};

/** @param {number} producers @param {number} consumers @param {import('../harness/catalog.mjs').Contender[]} [more] @returns {Case} */
function fan(producers, consumers, more = []) {
  const from = producers === 1 ? 'one process' : `${producers} processes`;
  const to = consumers === 1 ? 'one' : `${consumers} others`;
  return {
    ...oneToOne,
    name: `raw-${producers}to${consumers}`,
    question: `How many 100-byte messages a second pass from ${from} to ${to} through one queue, one call each?`,
    parameters: { ...bytes, producers, consumers },
    contenders: [streams.sync, streams.bareRing, streams.mutexRing, streams.pythonQueue, ...more],
    targets: oneToOne.targets.slice(-2),
  };
}

const peers = [streams.sendAdvanced, streams.threads, streams.socket, streams.zeromq];

/** 1to1, 1to10, 10to1, 3to20, 20to3 and 20to20 are the configurations of faster-fifo's README. */
export const streamCases = [
  oneToOne,
  fan(4, 1, peers),
  fan(1, 4, peers),
  fan(1, 10),
  fan(10, 1),
  fan(3, 20),
  fan(20, 3),
  fan(20, 20, [streams.sendAdvanced]),
];

// @ts-check
/** Bandwidth of large byte messages. */
import { streams } from '../harness/catalog.mjs';
import { MIB } from './case.mjs';

/** @type {import('./case.mjs').Case} */
export const buffers = {
  name: 'buffer-1mib',
  question: 'How many bytes a second pass from one process to another in buffers of 1 MiB?',
  metric: 'bandwidth',
  unit: 'bytes/s',
  better: 'higher',
  parameters: { kind: 'bytes', size: MIB, batch: 1, capacity: 4 * MIB, producers: 1, consumers: 1 },
  contenders: [
    streams.sync,
    streams.reserve,
    streams.memcpy,
    streams.mutexRing,
    streams.bareRing,
    streams.sendAdvanced,
    streams.threads,
    streams.socket,
    streams.zeromq,
    streams.pythonQueue,
  ].map((contender) => ({ ...contender, start: 50 })),
  targets: [...targets('reserve/receive', 'multiproc-reserve'), ...targets('copying', 'multiproc')],
};

/** @param {string} how @param {string} of @returns {import('./case.mjs').Case['targets']} */
function targets(how, of) {
  return [
    { text: `${how}: 10 × process.send advanced`, of, against: ['send-advanced'], bound: 'atLeast', value: 10 },
    { text: `${how}: half of memcpy`, of, against: ['memcpy'], bound: 'atLeast', value: 0.5 },
  ];
}

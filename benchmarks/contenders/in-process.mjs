// @ts-check
/**
 * Queues inside one JavaScript heap (denque, fastq): no process boundary, no copy of a message. They show what a
 * program pays that does not leave its process, not what a transport costs.
 */
import Denque from 'denque';
import fastq from 'fastq';

import { nowNs } from '../harness/clock.mjs';
import { Source, Tally, verifyTallies } from '../harness/payload.mjs';
import { printReport, streamReport } from '../harness/report.mjs';

/** Messages that stand in the queue at a time. */
const DEPTH = 1000;

const spec = /** @type {import('../harness/payload.mjs').StreamSpec} */ (JSON.parse(process.argv[2] ?? ''));
const source = new Source(spec, 0);
const tally = new Tally(spec);
const firstNs = nowNs();
if (spec.style === 'fastq') await viaFastq();
else viaDenque();
const lastNs = nowNs();
verifyTallies(spec, [tally.report(lastNs)]);
printReport(streamReport(spec, lastNs - firstNs));

function viaDenque() {
  const queue = new Denque();
  for (let left = spec.count; left > 0; left -= DEPTH) {
    const burst = Math.min(DEPTH, left);
    for (let i = 0; i < burst; i++) queue.push(source.next(true));
    for (let i = 0; i < burst; i++) tally.take(queue.shift());
  }
}

async function viaFastq() {
  const queue = fastq((/** @type {any} */ message, /** @type {(error: Error | null) => void} */ done) => {
    tally.take(message);
    // A worker that calls back at once would run inside push() and measure a function call, not a queue.
    queueMicrotask(() => done(null));
  }, 1);
  for (let left = spec.count; left > 0; left -= DEPTH) {
    const burst = Math.min(DEPTH, left);
    const drained = new Promise((resolve) => {
      queue.drain = () => resolve(undefined);
    });
    for (let i = 0; i < burst; i++) queue.push(source.next(true));
    await drained;
  }
}

// @ts-check
/**
 * `child_process.fork` with `process.send`; `style` is its serialization, json or advanced.
 *
 * The channel joins a parent and a child only, so the parent takes part: it is the one producer, or the one consumer,
 * or, where both sides have several, the router between them, as it is for everybody who uses `process.send`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { nowNs } from '../harness/clock.mjs';
import { Source, Tally, verifyTallies } from '../harness/payload.mjs';
import { printReport, streamReport } from '../harness/report.mjs';

/** Sends in flight before the sender waits for the channel to have written them, so that memory stays bounded. */
const WINDOW = 256;
const WINDOW_BYTES = 16 << 20;

/** @typedef {import('../harness/payload.mjs').StreamSpec} StreamSpec */
/** @typedef {(message: any, written?: () => void) => void} Send */

/** JSON has no bytes; base64 is the compact text for them. @param {StreamSpec} spec @param {any} message */
function encode(spec, message) {
  return spec.kind === 'bytes' && spec.style === 'json' ? message.toString('base64') : message;
}

/** @param {StreamSpec} spec @param {any} message */
function decode(spec, message) {
  return spec.kind === 'bytes' && spec.style === 'json' ? Buffer.from(message, 'base64') : message;
}

/** @param {StreamSpec} spec @param {Source} source @param {Send[]} sends */
async function produce(spec, source, sends) {
  const window = Math.max(1, Math.min(WINDOW, Math.floor(WINDOW_BYTES / (spec.size * spec.batch))));
  const calls = Math.ceil(spec.count / spec.batch);
  for (let i = 0; i < calls; i++) {
    const send = /** @type {Send} */ (sends[i % sends.length]);
    const message =
      spec.batch > 1
        ? source.nextBatch(Math.min(spec.batch, spec.count - i * spec.batch)).map((one) => encode(spec, one))
        : encode(spec, source.next());
    if (i % window === window - 1) await new Promise((resolve) => send(message, () => resolve(undefined)));
    else send(message);
  }
}

/** @param {StreamSpec} spec @param {Tally} tally @param {any} message */
function take(spec, tally, message) {
  return spec.batch > 1
    ? tally.takeAll(message.map((/** @type {any} */ one) => decode(spec, one)))
    : tally.take(decode(spec, message));
}

/** @param {StreamSpec} spec @param {string} role @param {number} index */
function start(spec, role, index) {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(spec), role, String(index)], {
    serialization: /** @type {'json' | 'advanced'} */ (spec.style),
  });
  child.on('exit', (code, signal) => {
    if (code !== 0) {
      process.stderr.write(`Cannot finish sample: a participant ended with ${signal ?? code}\n`);
      process.exit(1);
    }
  });
  return child;
}

/** @param {StreamSpec} spec */
async function conduct(spec) {
  const parentProduces = spec.producers === 1;
  const parentConsumes = !parentProduces && spec.consumers === 1;
  const consumers = parentConsumes
    ? []
    : Array.from({ length: spec.consumers }, (_, index) => start(spec, 'consumer', index));
  const producers = parentProduces
    ? []
    : Array.from({ length: spec.producers }, (_, index) => start(spec, 'producer', index));
  const children = [...consumers, ...producers];
  await Promise.all(children.map((child) => once(child, 'message')));

  /** @type {import('../harness/payload.mjs').TallyReport[]} */
  const reports = [];
  const tally = new Tally(spec);
  const sends = consumers.map((child) => /** @type {Send} */ ((message, written) => child.send(message, written)));
  let firstNs = Infinity;
  const finished = new Promise((resolve) => {
    const received = (/** @type {any} */ report) => {
      reports.push(report);
      if (reports.length === spec.consumers) resolve(undefined);
    };
    for (const child of consumers) child.on('message', received);
    let open = producers.length;
    let turn = 0;
    for (const child of producers) {
      child.on('message', (/** @type {any} */ message) => {
        if (message.control === 'sent') {
          firstNs = Math.min(firstNs, message.firstNs);
          if (--open === 0 && !parentConsumes) endAll(spec, sends);
        } else if (!parentConsumes) {
          /** @type {Send} */ (sends[turn++ % sends.length])(message);
        } else if (!take(spec, tally, message)) {
          received(tally.report(nowNs()));
        }
      });
    }
  });

  for (const child of children) child.send({ control: 'go' });
  if (parentProduces) {
    firstNs = nowNs();
    await produce(spec, new Source(spec, 0), sends);
    if (spec.consumers > 1) endAll(spec, sends);
  }
  await finished;
  verifyTallies(spec, reports);
  for (const child of children) child.send({ control: 'leave' });
  await Promise.all(children.map((child) => once(child, 'exit')));
  printReport(streamReport(spec, Math.max(...reports.map((report) => report.lastNs)) - firstNs));
}

/** @param {StreamSpec} spec @param {Send[]} sends */
function endAll(spec, sends) {
  const marker = encode(spec, new Source(spec, 0).end());
  for (const send of sends) send(marker);
}

/** @param {StreamSpec} spec @param {string} role @param {number} index */
function participate(spec, role, index) {
  process.on('disconnect', () => process.exit(1));
  const send = /** @type {Send} */ (
    (message, written) => {
      process.send?.(message, undefined, undefined, written);
    }
  );
  const tally = new Tally(spec);
  process.on('message', async (/** @type {any} */ message) => {
    if (message.control === 'leave') process.exit(0);
    if (message.control === 'go') {
      if (role !== 'producer') return;
      const firstNs = nowNs();
      await produce(spec, new Source(spec, index), [send]);
      send({ control: 'sent', firstNs });
    } else if (!take(spec, tally, message)) {
      send(tally.report(nowNs()));
    }
  });
  send({ control: 'ready' });
}

const spec = /** @type {StreamSpec} */ (JSON.parse(process.argv[2] ?? ''));
const role = process.argv[3];
if (role === undefined) await conduct(spec);
else participate(spec, role, Number(process.argv[4]));

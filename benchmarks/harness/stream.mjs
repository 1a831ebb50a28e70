// @ts-check
/**
 * Runs P producers and C consumers, each in a process (or worker thread) of its own, with one sample's conductor above
 * them. The clock runs from the first send to the moment when the last consumer knows that it has everything.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { nowNs } from './clock.mjs';
import { Source, Tally, verifyTallies } from './payload.mjs';
import { printReport, streamReport } from './report.mjs';

/** @typedef {import('./payload.mjs').StreamSpec} StreamSpec */

/**
 * @typedef {object} Role one participant, as its process sees it
 * @property {'producer' | 'consumer'} role
 * @property {number} index
 * @property {StreamSpec} spec
 * @property {any} ticket what the conductor made for this participant
 */

/**
 * @typedef {object} Opened what the conductor made before the participants start
 * @property {(role: 'producer' | 'consumer', index: number) => any} ticket
 * @property {(ticket: any) => any[]} [transfer] ports to hand over with a ticket, for worker threads
 * @property {() => void | Promise<void>} end tells several consumers that nothing more comes; the producers are done
 * @property {() => void | Promise<void>} close
 */

/**
 * @typedef {object} StreamContender
 * @property {'process' | 'thread'} unit
 * @property {(spec: StreamSpec) => Opened | Promise<Opened>} open
 * @property {(role: Role) => Promise<(source: Source) => void | Promise<void>>} producer
 *   connects, and returns what sends all messages
 * @property {(role: Role) => Promise<(tally: Tally) => void | Promise<void>>} consumer
 *   connects, and returns what receives until the tally says that it was the last
 */

/**
 * @typedef {object} Participant
 * @property {(message: object) => void} post
 * @property {(type: string) => Promise<any>} expect
 * @property {() => Promise<void>} ended
 */

/** @param {string} script @param {Role} role @returns {Participant} */
function startProcess(script, role) {
  const child = fork(script, { env: { ...process.env, BENCH_ROLE: JSON.stringify(role) } });
  return participant(child, (message) => child.send(message), once(child, 'exit'));
}

/** @param {string} script @param {Role} role @param {any[]} transferList @returns {Participant} */
function startThread(script, role, transferList) {
  const worker = new Worker(script, { workerData: { benchRole: role }, transferList });
  return participant(worker, (message) => worker.postMessage(message), once(worker, 'exit'));
}

/**
 * @param {import('node:events').EventEmitter} emitter
 * @param {(message: object) => void} post
 * @param {Promise<any[]>} exit
 * @returns {Participant}
 */
function participant(emitter, post, exit) {
  /** @type {Map<string, any>} */
  const arrived = new Map();
  /** @type {Map<string, (message: any) => void>} */
  const awaited = new Map();
  emitter.on('message', (message) => {
    arrived.set(message.type, message);
    awaited.get(message.type)?.(message);
  });
  /** @param {string} type @returns {Promise<any>} */
  const arrival = (type) =>
    new Promise((resolve) => {
      if (arrived.has(type)) resolve(arrived.get(type));
      else awaited.set(type, resolve);
    });
  const failure = exit.then(([code, signal]) => {
    if (code !== 0) throw new Error(`Cannot finish sample: a participant ended with ${signal ?? code}`);
  });
  failure.catch(() => {});
  return {
    post,
    expect: (type) =>
      Promise.race([
        arrival(type),
        failure.then(() => {
          throw new Error(`Cannot finish sample: a participant ended before «${type}»`);
        }),
      ]),
    ended: () => failure,
  };
}

/** @param {StreamContender} contender @param {string} script */
async function conduct(contender, script) {
  /** @type {StreamSpec} */
  const spec = JSON.parse(process.argv[2] ?? '');
  const opened = await contender.open(spec);
  /** @param {'producer' | 'consumer'} role @param {number} count */
  const start = (role, count) =>
    Array.from({ length: count }, (_, index) => {
      const ticket = opened.ticket(role, index);
      const description = { role, index, spec, ticket };
      return contender.unit === 'process'
        ? startProcess(script, description)
        : startThread(script, description, opened.transfer?.(ticket) ?? []);
    });

  // Consumers first: some transports need the receiving end to exist before the sending one connects.
  const consumers = start('consumer', spec.consumers);
  await Promise.all(consumers.map((consumer) => consumer.expect('ready')));
  const producers = start('producer', spec.producers);
  await Promise.all(producers.map((producer) => producer.expect('ready')));
  for (const one of [...consumers, ...producers]) one.post({ type: 'go' });
  const sent = await Promise.all(producers.map((producer) => producer.expect('sent')));
  if (spec.consumers > 1) await opened.end();
  const reports = await Promise.all(consumers.map((consumer) => consumer.expect('received')));

  verifyTallies(spec, reports);
  const first = Math.min(...sent.map((report) => report.firstNs));
  const last = Math.max(...reports.map((report) => report.lastNs));
  for (const one of [...consumers, ...producers]) one.post({ type: 'leave' });
  await Promise.all([...consumers, ...producers].map((one) => one.ended()));
  await opened.close();
  printReport(streamReport(spec, last - first));
}

/** @param {StreamContender} contender @param {Role} role */
async function participate(contender, role) {
  const port = isMainThread ? process : /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
  /** @param {object} message */
  const post = (message) => {
    if (isMainThread) process.send?.(message);
    else parentPort?.postMessage(message);
  };
  /** @param {string} type @returns {Promise<void>} */
  const told = (type) =>
    new Promise((resolve) => {
      /** @param {any} message */
      const listener = (message) => {
        if (message.type !== type) return;
        port.off('message', listener);
        resolve();
      };
      port.on('message', listener);
    });

  if (isMainThread) process.on('disconnect', () => process.exit(1));
  const leave = told('leave');
  const go = told('go');
  const { spec } = role;
  if (role.role === 'producer') {
    const send = await contender.producer(role);
    const source = new Source(spec, role.index);
    post({ type: 'ready' });
    await go;
    const firstNs = nowNs();
    await send(source);
    post({ type: 'sent', firstNs });
  } else {
    const receive = await contender.consumer(role);
    const tally = new Tally(spec);
    post({ type: 'ready' });
    await go;
    await receive(tally);
    post({ type: 'received', ...tally.report(nowNs()) });
  }
  await leave;
  process.exit(0);
}

/**
 * The whole main program of a streaming contender: conductor, producer and consumer are one script.
 * @param {ImportMeta} meta @param {StreamContender} contender
 */
export async function streamContender(meta, contender) {
  /** @type {Role | undefined} */
  const role = isMainThread ? JSON.parse(process.env['BENCH_ROLE'] ?? 'null') : workerData.benchRole;
  if (role) await participate(contender, role);
  else await conduct(contender, fileURLToPath(meta.url));
}

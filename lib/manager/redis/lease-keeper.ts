/**
 * Keeps a session's lease from a thread of its own, so that a busy event loop does not lose it.
 */
import { Worker } from 'node:worker_threads';
import { redisPackagePath } from './redis-client.js';

/** What the thread is told. */
interface Keeping {
  readonly redis: string;
  readonly url: string;
  readonly key: string;
  readonly lease: number;
  /** A command that goes with each renewal. */
  readonly also: readonly string[] | undefined;
}

/*
 * The lease counts from before a renewal was sent, so it is given up here before the server gives it up. Commands fail at once while there is no connection, and are tried again. Renewed after an eighth: a
 * machine, or a connection, may then stand still for four fifths of the lease at any time.
 */
const PROGRAM = `
const { parentPort, workerData: { redis, url, key, lease, also } } = require('node:worker_threads');
const { createClient } = require(redis);
const clock = () => Number(process.hrtime.bigint() / 1000000n);
const client = createClient({ url, RESP: 2, disableOfflineQueue: true, socket: { connectTimeout: lease, reconnectStrategy: () => 50 } });
client.on('error', () => undefined);
client.connect().catch(() => undefined);
let whole = clock();
let sending = false;
let begun = false;
const end = () => { clearInterval(timer); try { client.destroy(); } catch {} parentPort.close(); };
const lose = () => { parentPort.postMessage('lost'); end(); };
const renew = async () => {
  if (clock() - whole >= lease) return lose();
  if (sending || (begun && clock() - whole < lease / 8)) return;
  const asked = clock();
  sending = true;
  try {
    if (await client.sendCommand(['PEXPIRE', key, String(lease)]) === 0) return lose();
    whole = asked;
    if (!begun) parentPort.postMessage('begun');
    begun = true;
    if (also !== undefined) client.sendCommand(also).catch(() => undefined);
  } catch {}
  sending = false;
};
const timer = setInterval(renew, Math.max(5, lease / 32));
parentPort.on('message', end);
`;

/** One lease. */
export class LeaseKeeper {
  /** Resolves when the lease is renewed, or lost. */
  readonly begun: Promise<void>;
  readonly #worker: Worker;

  /**
   * @param also a command that goes with each renewal, whatever it answers.
   * @param onLost called when the lease is over, or may be.
   */
  constructor(url: string, key: string, lease: number, also: readonly string[] | undefined, onLost: () => void) {
    const keeping: Keeping = { redis: redisPackagePath(), url, key, lease, also };
    const worker = (this.#worker = new Worker(PROGRAM, { eval: true, workerData: keeping, execArgv: [] }));
    this.begun = new Promise((resolve) => {
      worker.on('message', (message) => {
        worker.unref();
        resolve();
        if (message === 'lost') onLost();
      });
      worker.once('error', () => {
        resolve();
        onLost();
      });
    });
  }

  /** The session ends. */
  end(): void {
    this.#worker.postMessage('end');
  }
}

// @ts-check
/** Every contender: what it is called, what it needs, and how one sample of it is started. */

/**
 * @typedef {object} Contender
 * @property {string} id
 * @property {string} label as tables and charts show it
 * @property {'node' | 'python' | 'native'} runtime
 * @property {string} program a script under contenders/ or python/, or a source under native/
 * @property {string[]} [packages] npm packages that must be installed and loadable
 * @property {boolean} [library] needs this library built
 * @property {Record<string, unknown>} spec what distinguishes it from others with the same program
 * @property {number} start work of its first, calibrating run
 */

/** @param {string} id @param {string} label @param {string} program @param {Record<string, unknown>} spec @param {Partial<Contender>} [more] @returns {Contender} */
function node(id, label, program, spec, more = {}) {
  return { id, label, runtime: 'node', program, spec, start: 2000, ...more };
}

/** @param {string} id @param {string} label @param {string} program @param {Record<string, unknown>} spec @param {number} [start] @returns {Contender} */
function python(id, label, program, spec, start = 2000) {
  return { id, label, runtime: 'python', program, spec, start };
}

/** @param {string} id @param {string} label @param {string} program @param {Record<string, unknown>} spec @param {number} [start] @returns {Contender} */
function native(id, label, program, spec, start = 20_000) {
  return { id, label, runtime: 'native', program, spec, start };
}

const ours = { library: true, start: 10_000 };
const packed = { packages: ['msgpackr'] };
const zeromq = { packages: ['msgpackr', 'zeromq'] };

/** One-way streams of messages. */
export const streams = {
  sync: node('multiproc', 'multiproc, sync', 'multiproc-stream.mjs', { style: 'sync' }, ours),
  async: node('multiproc-async', 'multiproc, async', 'multiproc-stream.mjs', { style: 'async' }, ours),
  reserve: node('multiproc-reserve', 'multiproc, reserve/receive', 'multiproc-stream.mjs', { style: 'reserve' }, ours),
  bareRing: native('bare-ring', 'bare C++ ring (no Node)', 'bench_ring', { mode: 'stream' }),
  mutexRing: native('mutex-ring', 'robust-mutex ring (C++, no Node)', 'bench_mutex_ring', { mode: 'stream' }),
  memcpy: native('memcpy', 'memcpy (C++, one process)', 'bench_operation', { operation: 'memcpy' }, 200),
  sendJson: node('send-json', 'process.send, json', 'process-send.mjs', { style: 'json' }),
  sendAdvanced: node('send-advanced', 'process.send, advanced', 'process-send.mjs', { style: 'advanced' }),
  threads: node('worker-threads', 'worker_threads postMessage', 'worker-threads.mjs', {}),
  socket: node('socket', 'Unix socket + msgpackr', 'socket-msgpackr.mjs', {}, packed),
  zeromq: node('zeromq', 'zeromq ipc://', 'zeromq.mjs', {}, zeromq),
  disruptor: node(
    'disruptor',
    'shared-memory-disruptor',
    'disruptor.mjs',
    {},
    { packages: ['shared-memory-disruptor'] },
  ),
  pythonQueue: python('python-queue', 'Python multiprocessing.Queue', 'stream.py', { style: 'Queue' }),
  pythonSimpleQueue: python('python-simplequeue', 'Python SimpleQueue', 'stream.py', { style: 'SimpleQueue' }),
  denque: node(
    'denque',
    'denque (in-process)',
    'in-process.mjs',
    { style: 'denque' },
    { packages: ['denque', 'fastq'] },
  ),
  fastq: node('fastq', 'fastq (in-process)', 'in-process.mjs', { style: 'fastq' }, { packages: ['denque', 'fastq'] }),
};

/** A message there and one back. */
export const roundtrips = {
  sync: node('multiproc', 'multiproc, sync', 'multiproc-roundtrip.mjs', { style: 'sync' }, ours),
  async: node('multiproc-async', 'multiproc, async', 'multiproc-roundtrip.mjs', { style: 'async' }, ours),
  bareRing: native('bare-ring', 'bare C++ ring (no Node)', 'bench_ring', { mode: 'roundtrip' }, 2000),
  mutexRing: native('mutex-ring', 'robust-mutex ring (C++, no Node)', 'bench_mutex_ring', { mode: 'roundtrip' }, 2000),
  sendJson: node('send-json', 'process.send, json', 'channel-roundtrip.mjs', { style: 'json' }),
  sendAdvanced: node('send-advanced', 'process.send, advanced', 'channel-roundtrip.mjs', { style: 'advanced' }),
  threads: node('worker-threads', 'worker_threads postMessage', 'channel-roundtrip.mjs', { style: 'thread' }),
  socket: node('socket', 'Unix socket + msgpackr', 'socket-roundtrip.mjs', {}, packed),
  zeromq: node('zeromq', 'zeromq REQ/REP ipc://', 'zeromq-roundtrip.mjs', {}, { packages: ['zeromq'] }),
  pythonPipe: python('python-pipe', 'Python Pipe', 'roundtrip.py', { style: 'Pipe' }),
  pythonQueue: python('python-queue', 'Python Queue', 'roundtrip.py', { style: 'Queue' }),
};

/** The same through pipes. */
export const pipes = {
  sync: node('multiproc', 'multiproc Pipe, sync', 'multiproc-pipe.mjs', { style: 'sync' }, ours),
  async: node('multiproc-async', 'multiproc Pipe, async', 'multiproc-pipe.mjs', { style: 'async' }, ours),
  sendJson: roundtrips.sendJson,
  sendAdvanced: roundtrips.sendAdvanced,
  pythonPipe: roundtrips.pythonPipe,
};

/** Single operations; the program finds its operation by this name. @param {string} operation */
export function operations(operation) {
  return {
    ours: node('multiproc', 'multiproc', 'multiproc-micro.mjs', { operation }, ours),
    plain: node('plain', 'plain typed array', 'plain-micro.mjs', { operation }, { start: 1_000_000 }),
    python: python('python', 'Python multiprocessing', 'micro.py', { operation }, 100),
    mutex: native('robust-mutex', 'robust pthread mutex (C++)', 'bench_operation', { operation }),
  };
}

/** Operations on a map that two processes use. @param {'get' | 'set' | 'update'} operation */
export function maps(operation) {
  return {
    ours: node('multiproc', 'multiproc, SharedMap', 'map.mjs', { operation, style: 'shared' }, ours),
    lmdb: node('lmdb', 'lmdb (noSync)', 'map.mjs', { operation, style: 'lmdb' }, { packages: ['lmdb'] }),
    send: node('send', 'Map behind process.send', 'map.mjs', { operation, style: 'send' }),
  };
}

/** @param {string} operation @param {string} label @param {Partial<Contender>} [more] */
export function codec(operation, label, more = {}) {
  return node(operation, label, 'codec-micro.mjs', { operation }, { ...packed, ...more });
}

/** Channels of CSP. */
export const channels = {
  sync: node('multiproc', 'multiproc/csp, sync', 'commstime.mjs', { style: 'sync' }, ours),
  async: node('multiproc-async', 'multiproc/csp, async', 'commstime.mjs', { style: 'async' }, ours),
  python: python('python-pipe', 'Python multiprocessing.Pipe (buffered)', 'commstime.py', {}),
};

/** The sieve and the farm of CSP. */
export const networks = {
  sieve: {
    inline: node('multiproc', 'multiproc/csp, inline', 'prime-sieve.mjs', { style: 'inline' }, ours),
    forked: node('multiproc-forked', 'multiproc/csp, processes', 'prime-sieve.mjs', { style: 'forked' }, ours),
    python: python('python', 'Python multiprocessing (fork)', 'prime_sieve.py', {}),
  },
  mandelbrot: {
    ours: node('multiproc', 'multiproc/csp, 2 workers', 'mandelbrot.mjs', {}, ours),
    python: python('python', 'Python Pool(2)', 'mandelbrot.py', {}),
  },
};

/** New processes. @param {'module' | 'commonJS'} kind of what they run */
export function starts(kind) {
  const module = kind === 'module' ? './start-child.mjs' : './start-child.cjs';
  return {
    ours: node('multiproc', 'multiproc, Process', 'start.mjs', { by: 'Process', module }, ours),
    fork: node('fork', 'child_process.fork', 'start.mjs', { by: 'fork', module }),
  };
}

/** @param {string} id @param {string} label @param {string} pool @param {string} name of the package @param {boolean} [byHand] */
function poolPackage(id, label, pool, name, byHand = false) {
  return node(id, label, 'pool-packages.mjs', { pool, byHand }, { packages: [name], start: 200 });
}

/** Pools of two workers. */
export const pools = {
  ours: node('multiproc', 'multiproc, Pool', 'pool-multiproc.mjs', {}, { library: true, start: 2000 }),
  python: python('python', 'Python multiprocessing.Pool (fork)', 'pool.py', {}),
  piscina: poolPackage('piscina', 'piscina (threads)', 'piscina', 'piscina'),
  piscinaParts: poolPackage('piscina-parts', 'piscina, 8 parts by hand', 'piscina', 'piscina', true),
  tinypool: poolPackage('tinypool', 'tinypool (processes)', 'tinypool-processes', 'tinypool'),
  tinypoolParts: poolPackage(
    'tinypool-parts',
    'tinypool (processes), 8 parts by hand',
    'tinypool-processes',
    'tinypool',
    true,
  ),
  tinypoolThreads: poolPackage('tinypool-threads', 'tinypool (threads)', 'tinypool-threads', 'tinypool'),
  workerpool: poolPackage('workerpool', 'workerpool (processes)', 'workerpool-processes', 'workerpool'),
};

/** Idle workers. */
export const poolMemory = {
  ours: node('multiproc', 'multiproc, Pool(4)', 'pool-memory.mjs', { kind: 'pool' }, ours),
  node: node('node', '4 bare Node processes', 'pool-memory.mjs', { kind: 'node' }, ours),
};

/** Objects that another process keeps. */
export const managers = {
  ours: node('multiproc', 'multiproc, Manager', 'manager.mjs', { server: 'multiproc' }, ours),
  python: python('python', 'Python multiprocessing.Manager', 'manager.py', {}),
  redis: node('redis', 'Redis over a Unix socket', 'manager.mjs', { server: 'redis' }, { packages: ['redis'] }),
};

/** Waiting processes. */
export const waits = {
  async: node('multiproc-async', 'multiproc, await get()', 'idle.mjs', { style: 'async' }, ours),
  sync: node('multiproc', 'multiproc, getSync()', 'idle.mjs', { style: 'sync' }, ours),
  send: node('process-send', 'process.send', 'idle.mjs', { style: 'process.send' }),
  python: python('python-queue', 'Python Queue', 'idle.py', {}),
};

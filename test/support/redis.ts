/**
 * A real Redis server of a test's own, and a network to it that can be cut.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

const PROGRAM = 'redis-server';

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export interface RedisServerOptions {
  readonly password?: string;
  readonly durable?: boolean;
  /** Files of a folder; then it listens to nothing else. */
  readonly tls?: { readonly folder: string; readonly key: string; readonly cert: string; readonly ca: string };
}

/** A server on a port of 127.0.0.1; one that is durable writes everything to its disk before it answers. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'multiproc-redis-'));
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    if (spawnSync(PROGRAM, ['--version']).error !== undefined)
      throw new Error(`These tests need a real server: ${PROGRAM} is not installed (apt-get install redis-server)`);
    const server = new RedisServer(await freePort(), options);
    await server.begin();
    return server;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${this.port}`;
  }

  /** Starts it again, with what it has on its disk. */
  async begin(): Promise<void> {
    const { password, durable = false, tls } = this.#options;
    const settings = [
      ...(tls === undefined ? [['port', String(this.port)]] : tlsSettings(this.port, tls)),
      ['bind', '127.0.0.1'],
      ['dir', this.#folder],
      ['save', ''],
      ['appendonly', durable ? 'yes' : 'no'],
      ['appendfsync', 'always'],
      ...(password === undefined ? [] : [['requirepass', password]]),
    ];
    // It goes with this process, however this process ends.
    this.#process = spawn(
      'setpriv',
      ['--pdeathsig', 'KILL', PROGRAM, ...settings.flatMap(([name, value]) => [`--${name}`, value ?? ''])],
      { stdio: 'ignore' },
    );
    await until('the Redis server answers', () => (tls === undefined ? answers : listens)(this.port));
  }

  /** Kills it. */
  async kill(): Promise<void> {
    const server = this.#process;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }
}

function tlsSettings(port: number, { folder, key, cert, ca }: NonNullable<RedisServerOptions['tls']>): string[][] {
  return [
    ['port', '0'],
    ['tls-port', String(port)],
    ['tls-key-file', join(folder, key)],
    ['tls-cert-file', join(folder, cert)],
    ['tls-ca-cert-file', join(folder, ca)],
    ['tls-auth-clients', 'no'],
  ];
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return !answer.toString().startsWith('-LOADING');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function command(url: string, words: readonly string[]): Promise<unknown> {
  const { createClient } = (await import('redis')) as typeof import('redis');
  const client = createClient({ url });
  await client.connect();
  try {
    return await client.sendCommand([...words]);
  } finally {
    client.destroy();
  }
}

/** The names of the keys of a pattern that a server has. */
export async function keysOf(url: string, pattern: string): Promise<string[]> {
  return (await command(url, ['KEYS', pattern])) as string[];
}

/** Gives a member of a sorted set another score. */
export async function setOf(url: string, key: string, member: string, score: number): Promise<void> {
  await command(url, ['ZADD', key, 'XX', String(score), member]);
}

/** The way to a server: can be broken, closed, and made silent. */
export class Network {
  readonly #sockets = new Set<Socket>();
  readonly #target: number;
  readonly #server: Server;
  #port = 0;
  #isSilent = false;
  #isRefusing = false;
  #refused = 0;
  #every = Infinity;
  #answers = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((from) => {
      if (this.#isRefusing) {
        this.#refused += 1;
        from.destroy();
        return;
      }
      const to = connect({ host: '127.0.0.1', port: this.#target });
      for (const [socket, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('data', (data) => {
          if (socket === to && this.#isLost()) socket.destroy();
          else if (!this.#isSilent) other.write(data);
        });
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }

  static async to(target: number): Promise<Network> {
    const network = new Network(target);
    await network.open();
    return network;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** All connections break; new ones can be made. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on each so many-th answer is lost, and its connection breaks: what was asked has been done. */
  loseAnswers(every: number): void {
    this.#every = every;
  }

  #isLost(): boolean {
    this.#answers += 1;
    return this.#answers % this.#every === 0;
  }

  /** From now on nothing arrives, and nobody is told; or everything does again. */
  silence(isSilent: boolean): void {
    this.#isSilent = isSilent;
  }

  /** From now on each new connection is ended at once, as by a server that begins; or none is. */
  refuse(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
  }

  /** Connections that were ended at once. */
  get refused(): number {
    return this.#refused;
  }

  async close(): Promise<void> {
    this.breakConnections();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async open(): Promise<void> {
    this.#server.listen({ host: '127.0.0.1', port: this.#port });
    await once(this.#server, 'listening');
    ({ port: this.#port } = this.#server.address() as { port: number });
  }
}

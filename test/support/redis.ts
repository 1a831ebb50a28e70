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
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, with what it has on its disk. */
  async begin(): Promise<void> {
    const { password, durable = false } = this.#options;
    const settings = [
      ['port', String(this.port)],
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
    await until('the Redis server answers', () => answers(this.port));
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

/** The way to a server: can be broken, closed, and made silent. */
export class Network {
  readonly #sockets = new Set<Socket>();
  readonly #target: number;
  readonly #server: Server;
  #port = 0;
  #isSilent = false;
  #every = Infinity;
  #answers = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((from) => {
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

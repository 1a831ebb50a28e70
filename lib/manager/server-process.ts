/**
 * What runs in the process of a manager.
 */
import type { Connection } from '../channels/connection.js';
import { builtin } from '../internal/builtin.js';
import { attach } from '../internal/handle.js';
import { native } from '../internal/native.js';
import { attachmentOf, type Core } from '../internal/shared-object.js';
import { loadTask, type TaskReference } from '../internal/task-reference.js';
import { assumeIdentity, ownIdentity } from '../processes/identity.js';
import { task } from '../processes/task.js';
import { Event } from '../sync/event.js';
import type { Address } from './address.js';
import { Listener } from './listener.js';
import { type Hello, serveHere } from './local-route.js';
import { requestDecoder } from './messages.js';
import { addressOfHandle, formatAddress, type ProxyAddress } from './proxy-core.js';
import type { RegisteredKind } from './registration.js';
import { RingLine } from './ring-line.js';
import { Server, type Token } from './server.js';
import type { SocketConnection } from './socket-connection.js';
import { SocketLine } from './socket-line.js';
import type { SocketHello } from './socket-route.js';

/** What a server is given. */
export interface ServerSettings {
  readonly kinds: Readonly<Record<string, RegisteredKind>>;
  readonly initializer: TaskReference | null;
  /** Where to listen for clients that share no memory with it; `null`: nowhere. */
  readonly address: Address | null;
  readonly authkey: Uint8Array | null;
}

/** What a manager tells of itself. */
export interface ManagerFacts {
  readonly manager: string;
  readonly address: Address | null;
}

/** The task of a manager's process. */
export const serverTask = task(
  'multiproc:manager',
  async function serve(
    door: Connection<Hello>,
    outside: Connection<Hello>,
    settings: ServerSettings,
    initargs: readonly unknown[],
  ): Promise<void> {
    // What the interrupt key ends is for the program to say: its other processes may still need the objects.
    process.on('SIGINT', () => undefined);
    // It ends with its parent; and it may start the workers of pools, who end with it.
    assumeIdentity({ ...ownIdentity(), daemon: false });
    if (settings.initializer !== null) {
      const initialize = await loadTask(settings.initializer);
      await initialize(...(initargs as never[]));
    }
    const listener = settings.address === null ? null : await listenAt(settings.address, settings.authkey);
    const facts: ManagerFacts = { manager: builtin.crypto.randomUUID(), address: listener?.address ?? null };
    const common = { door: addressOfHandle(outside), ...facts };
    serveHere(outside);
    const server = new Server(
      facts,
      (typeid, id) => new LocalToken({ ...common, typeid, id }),
      () => {
        listener?.close();
        void server.close().finally(() => process.exit(0));
      },
    );
    await server.register(settings.kinds);
    if (listener !== null) void answerListener(listener, server);
    await answerDoor(door, server);
  },
);

/** Lets clients in, as long as the process lives. */
async function answerDoor(door: Connection<Hello>, server: Server): Promise<void> {
  for (;;) {
    let hello: Hello;
    try {
      hello = await door.recv();
    } catch {
      // It had died before it was let in.
      continue;
    }
    void server.serve(new RingLine(hello.line, requestDecoder), hello.id, hello.pid, true);
  }
}

function listenAt(address: Address, authkey: Uint8Array | null): Promise<Listener> {
  return new Listener({ address, authkey }).listening();
}

/** Lets in who knows the key. */
async function answerListener(listener: Listener, server: Server): Promise<void> {
  for await (const connection of listener) void greet(connection, server);
}

async function greet(connection: SocketConnection, server: Server): Promise<void> {
  try {
    const { id, pid } = (await connection.recv({ timeout: GREETING })) as SocketHello;
    if (typeof id !== 'string' || typeof pid !== 'number') throw new TypeError('a greeting is needed');
    await server.serve(new SocketLine(Promise.resolve(connection), requestDecoder), id, pid, false);
  } catch {
    connection.close();
  }
}

/** Milliseconds that a client has to say who it is. */
const GREETING = 10_000;

/** An event that nobody sets: who has it open uses the object, and the kernel tells who has died. */
class LocalToken implements Token {
  readonly #event = new Event();
  readonly #core: Core;
  readonly #handle: string;

  constructor(address: Omit<ProxyAddress, 'token'>) {
    this.#core = (attachmentOf(this.#event) as { readonly core: Core }).core;
    this.#handle = `multiproc:proxy:${formatAddress({ ...address, token: addressOfHandle(this.#event) })}`;
  }

  get used(): boolean {
    const { ref, uses } = this.#core;
    // Proxies in this process, in messages on their way included; then others', of whom some may have died.
    return uses > 1 || (native.users(ref) > 1 && (native.reap(ref) === 0 || native.users(ref) > 1));
  }

  get kept(): boolean {
    const { ref, uses } = this.#core;
    return uses > 1 && native.users(ref) === 1;
  }

  names(proxy: unknown): boolean {
    return (proxy as { readonly handle?: unknown }).handle === this.#handle;
  }

  proxy(): Disposable {
    return attach(this.#handle);
  }

  close(): void {
    this.#event.close();
  }
}

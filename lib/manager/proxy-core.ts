/**
 * What this environment knows about one managed object: the way to its manager, and the token that keeps it there.
 */
import { argumentTypeError } from '../errors.js';
import type { Connection } from '../channels/connection.js';
import { attach } from '../internal/handle.js';
import { attachmentOf, Core, type SharedObject } from '../internal/shared-object.js';
import type { Event } from '../sync/event.js';
import { type Address, checkAddress } from './address.js';
import { LocalRoute } from './local-route.js';
import { closedProxyError, ManagerClient } from './manager-client.js';
import { MANAGER } from './messages.js';
import type { Route } from './route.js';
import { SocketRoute } from './socket-route.js';

/** What a proxy's handle says. */
export interface ProxyAddress {
  /** Where the connection to the manager's door is. */
  readonly door: string;
  /** Where the token is: an event that nobody sets; who has it open uses the object. */
  readonly token: string;
  readonly typeid: string;
  /** Number of the object in the manager. */
  readonly id: number;
  /** The manager's name among all managers. */
  readonly manager: string;
  /** Where it listens, if it does. */
  readonly address: Address | null;
}

const SEPARATOR = ';';
const NOWHERE = '-';
const CONNECTION = 'multiproc:connection:';
const EVENT = 'multiproc:event:';

/** The text of an address in a handle. */
export function formatAddress({ door, token, typeid, id, manager, address }: ProxyAddress): string {
  const where = address === null ? NOWHERE : encodeURIComponent(JSON.stringify(address));
  return [door, token, typeid, id, manager, where].join(SEPARATOR);
}

const shape = /^([^;]+);([^;]+);([^;]+);(\d{1,10});([0-9a-f-]+);([^;]+)$/;

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function parseAddress(text: string): ProxyAddress {
  const [, door = '', token = '', typeid = '', id, manager = '', where = NOWHERE] = shape.exec(text) ?? [];
  try {
    if (id === undefined) throw new TypeError('it has another shape');
    const address =
      where === NOWHERE ? null : checkAddress(JSON.parse(decodeURIComponent(where)), 'attach a managed object');
    return { door, token, typeid, id: Number(id), manager, address };
  } catch {
    throw argumentTypeError('Cannot attach: this is not the handle of a managed object');
  }
}

/** The part of a handle behind its kind. */
export function addressOfHandle(object: SharedObject): string {
  return object.handle.replace(/^multiproc:[a-z]+:/, '');
}

/** By the managers' doors, and by their names where they are reached over sockets. */
const clients = new Map<string, ManagerClient>();

function clientFor(key: string, route: () => Route): ManagerClient {
  const known = clients.get(key);
  if (known !== undefined) return known.retain();
  const client = new ManagerClient(route(), () => {
    clients.delete(key);
  });
  clients.set(key, client);
  return client.retain();
}

/**
 * The client of this thread for the manager behind a door, retained for the caller.
 *
 * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when the manager has gone.
 */
export function localClient(door: string): ManagerClient {
  return clientFor(door, () => new LocalRoute(attach<Connection>(CONNECTION + door)));
}

/** The same for a manager at an address. */
export function remoteClient(manager: string, address: Address, authkey?: Uint8Array): ManagerClient {
  return clientFor(manager, () => new SocketRoute(address, authkey));
}

/** Makes a client known that has learned the name of its manager. */
export function adoptRemoteClient(manager: string, client: ManagerClient): void {
  if (clients.has(manager)) return;
  clients.set(manager, client);
  client.onForgotten(() => {
    clients.delete(manager);
  });
}

/** The number of a core that has nothing of its own in shared memory: of no object. */
const NO_REF = 2 ** 31 - 1;

/** One per object and environment. While it is in use here, in transit included, the manager keeps the object. */
export class ProxyCore extends Core {
  readonly client: ManagerClient;
  readonly address: ProxyAddress;
  readonly #token: Event | undefined;

  /**
   * Takes client and token over.
   *
   * @param token `undefined`: the manager shares no memory with this process, and is told who holds the object.
   */
  constructor(address: ProxyAddress, client: ManagerClient, token: Event | undefined) {
    super((token && attachmentOf(token)?.core.ref) ?? NO_REF, 'proxy', formatAddress(address));
    this.address = address;
    this.client = client;
    this.#token = token;
    if (token === undefined) client.call(MANAGER, 'hold', [address.id]).catch(() => undefined);
  }

  override abandon(facade: SharedObject): void {
    this.client.abandon(facade, closedProxyError);
  }

  protected override leave(): void {
    cores.delete(this.handle);
    this.#token?.close();
    this.client.tell('forget', [this.address.id]);
    this.client.release();
  }
}

const cores = new Map<string, ProxyCore>();

/** The core for an address. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when the object, or its manager, has gone. */
export function proxyCore(text: string): ProxyCore {
  const known = cores.get(`multiproc:proxy:${text}`);
  if (known !== undefined) return known;
  const core = makeCore(parseAddress(text));
  cores.set(core.handle, core);
  return core;
}

/** Memory is the shorter way; whoever has none in common with the manager takes the other one. */
function makeCore(address: ProxyAddress): ProxyCore {
  let token: Event | undefined;
  try {
    token = attach<Event>(EVENT + address.token);
    return new ProxyCore(address, localClient(address.door), token);
  } catch (error) {
    token?.close();
    if (address.address === null) throw error;
    return new ProxyCore(address, remoteClient(address.manager, address.address), undefined);
  }
}

/**
 * What this environment knows about one end of a pipe: the ring that it receives from, the ring that it sends to, and that
 * somebody here uses the end.
 */
import { argumentTypeError } from '../errors.js';
import { call, Kind, native, RingEnd } from '../internal/native.js';
import { Attachment, Core, Opened, type SharedObject } from '../internal/shared-object.js';
import type { QueueCore } from './queue-core.js';
import { attachQueue } from './queue-facade.js';

/** The rings of one end; a pipe that is not duplex has one of the two only. */
export interface ConnectionRings {
  readonly receiving: Attachment<QueueCore> | null;
  readonly sending: Attachment<QueueCore> | null;
}

/** Stands in the address for the ring that is not there. */
const NONE = '-';

function addressOf({ receiving, sending }: ConnectionRings): string {
  const part = (ring: Attachment<QueueCore> | null): string => (ring === null ? NONE : native.address(ring.ref));
  return `${part(receiving)},${part(sending)}`;
}

/** One per end and environment. While it is in use here, in transit included, the rings count this environment as a user. */
export class ConnectionCore extends Core {
  readonly #rings: ConnectionRings;

  constructor(rings: ConnectionRings, address: string) {
    super((rings.receiving ?? rings.sending)?.ref ?? -1, 'connection', address);
    this.#rings = rings;
    if (rings.receiving !== null) native.ringOpenEnd(rings.receiving.ref, RingEnd.receiving, 0);
    if (rings.sending !== null) native.ringOpenEnd(rings.sending.ref, RingEnd.sending, 0);
  }

  protected override leave(): void {
    connections.delete(this.handle);
    const { receiving, sending } = this.#rings;
    if (receiving !== null) native.ringCloseEnd(receiving.ref, RingEnd.receiving);
    if (sending !== null) native.ringCloseEnd(sending.ref, RingEnd.sending);
    // Those here who wait at the other end.
    receiving?.core.nudge();
    sending?.core.nudge();
    receiving?.close();
    sending?.close();
  }
}

const connections = new Map<string, ConnectionCore>();

/** Ties one facade to an end: to its core, and to its rings for as long as the facade is open. */
export class ConnectionAttachment extends Attachment<ConnectionCore> {
  readonly receiving: Attachment<QueueCore> | null;
  readonly sending: Attachment<QueueCore> | null;

  /** Takes the rings over. */
  constructor(rings: ConnectionRings) {
    super(coreFor(rings));
    this.receiving = rings.receiving;
    this.sending = rings.sending;
  }

  override close(facade?: SharedObject): void {
    if (this.closed) return;
    // The waits first, with their rings still there; then the end; its rings go with the last of both.
    this.receiving?.close(facade);
    this.sending?.close(facade);
    super.close(facade);
  }
}

function coreFor(rings: ConnectionRings): ConnectionCore {
  const address = addressOf(rings);
  const known = connections.get(`multiproc:connection:${address}`);
  if (known !== undefined) return known;
  const own = (ring: Attachment<QueueCore> | null): Attachment<QueueCore> | null =>
    ring === null ? null : new Attachment(ring.core);
  const core = new ConnectionCore({ receiving: own(rings.receiving), sending: own(rings.sending) }, address);
  connections.set(core.handle, core);
  return core;
}

/** The rings that a handle speaks of. @throws as `attach`. */
export function openRings(address: string): ConnectionRings {
  const [receiving, sending, ...rest] = address.split(',');
  if (receiving === undefined || sending === undefined || rest.length > 0 || (receiving === NONE && sending === NONE)) {
    throw argumentTypeError('Cannot attach: this is not the handle of a connection');
  }
  const first = openRing(receiving);
  try {
    return { receiving: first, sending: openRing(sending) };
  } catch (error) {
    first?.close();
    throw error;
  }
}

function openRing(address: string): Attachment<QueueCore> | null {
  return address === NONE ? null : attachQueue(new Opened(call(() => native.attach(Kind.queue, address))));
}

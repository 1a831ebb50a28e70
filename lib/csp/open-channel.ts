/**
 * Making, opening and attaching channels: the objects that one is made of, found through its ring.
 */
import { type QueueCore } from '../channels/queue-core.js';
import { attachQueue } from '../channels/queue-facade.js';
import { CorruptSegmentError } from '../errors.js';
import { parseDescription } from '../internal/description.js';
import { attach } from '../internal/handle.js';
import { call, Kind, native } from '../internal/native.js';
import {
  type Attachment,
  checkCreateOptions,
  checkInteger,
  type CreateOptions,
  Opened,
} from '../internal/shared-object.js';
import { SharedArray } from '../memory/array.js';
import { Lock } from '../sync/lock.js';
import { ChannelCore, type ChannelParts, keepChannel, knownChannel } from './channel-core.js';
import { tableLength } from './offer-table.js';

/** Options of `new Channel()`. */
export interface ChannelOptions extends CreateOptions {
  /** How many values a channel takes before a write waits for a reader; default 0: every write does. At most 2^20. */
  readonly buffer?: number | undefined;
  /**
   * Bytes of memory for values: 1 to 1 GiB, rounded up to a power of two, at least 65,536, the default. Values longer than a quarter of it travel
   * in memory of their own.
   */
  readonly capacity?: number | undefined;
}

/** What is kept with the ring as JSON. */
interface ChannelMeta {
  readonly class: 'Channel';
  readonly codec: 'structured';
  readonly lock: string;
  readonly table: string;
  readonly buffer: number;
}

const defaultCapacity = 65_536;
const largestCapacity = 1024 * 1024 * 1024;
const largestBuffer = 2 ** 20;
const defaultParticipants = 256;

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError; NoSpaceError. */
export function createChannel(options: ChannelOptions | null | undefined): ChannelCore {
  const action = 'create Channel';
  const { name, maxParticipants } = checkCreateOptions(options, action);
  const buffer = checkInteger(options?.buffer ?? 0, 0, largestBuffer, 'buffer', action);
  const capacity = checkInteger(options?.capacity ?? defaultCapacity, 1, largestCapacity, 'capacity', action);
  const lock = new Lock();
  let table: SharedArray<'i'> | undefined;
  try {
    table = new SharedArray('i', tableLength(maxParticipants === 0 ? defaultParticipants : maxParticipants), {
      lock: false,
    });
    const meta: ChannelMeta = { class: 'Channel', codec: 'structured', lock: lock.handle, table: table.handle, buffer };
    const ref = call(() => native.createQueue(name, capacity, 0, false, JSON.stringify(meta), maxParticipants));
    return makeCore({ ring: attachQueue(new Opened(ref)), lock, table, buffer });
  } catch (error) {
    lock.close();
    table?.close();
    throw error;
  }
}

/** The channel that an address in a handle speaks of. @throws as `attach`. */
export function attachChannel(address: string): ChannelCore {
  return channelOf(new Opened(call(() => native.attach(Kind.queue, address))));
}

/** The channel whose ring this is. @throws CorruptSegmentError; as `attach`. */
export function channelOf(opened: Opened): ChannelCore {
  const ring = attachQueue(opened);
  const known = knownChannel(`multiproc:channel:${native.address(ring.ref)}`);
  if (known !== undefined) {
    ring.close();
    return known;
  }
  let lock: Lock | undefined;
  let table: SharedArray<'i'> | undefined;
  try {
    const meta = readMeta(ring);
    lock = attach<Lock>(meta.lock);
    table = attach<SharedArray<'i'>>(meta.table);
    if (!(lock instanceof Lock) || !(table instanceof Int32Array))
      throw new CorruptSegmentError('Cannot open Channel: its parts are of other kinds');
    return makeCore({ ring, lock, table, buffer: meta.buffer });
  } catch (error) {
    ring.close();
    lock?.close();
    table?.close();
    throw error;
  }
}

function makeCore(parts: ChannelParts): ChannelCore {
  return keepChannel(new ChannelCore(parts));
}

function readMeta(ring: Attachment<QueueCore>): Pick<ChannelMeta, 'lock' | 'table' | 'buffer'> {
  const { lock, table, buffer } = parseDescription(native.meta(ring.ref), 'Channel');
  if (typeof lock === 'string' && typeof table === 'string' && typeof buffer === 'number')
    return { lock, table, buffer };
  throw new CorruptSegmentError('Cannot open Channel: its description is damaged');
}

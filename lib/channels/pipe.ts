/**
 * Pipe: two connected ends.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { Attachment } from '../internal/shared-object.js';
import { Connection } from './connection.js';
import type { QueueCore } from './queue-core.js';
import { attachQueue, createQueue, type QueueOptions } from './queue-facade.js';

/** Options of {@link Pipe}. */
export interface PipeOptions extends Pick<QueueOptions, 'capacity' | 'maxParticipants'> {
  /** `false`: the first end only receives, the second only sends. Default `true`. */
  readonly duplex?: boolean | undefined;
}

/**
 * Makes a pipe: what one end sends, the other receives.
 *
 * The pipe keeps what was sent until it is received, also before anybody listens; its memory goes when the last user of both ends has gone.
 *
 * @param options `capacity` is in bytes, for each direction; default 256 KiB. Messages longer than a quarter of it travel in memory of
 *   their own.
 * @returns the two ends; of a pipe that is not duplex: the one that receives, and the one that sends.
 * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); NoSpaceError (ERR_MULTIPROC_NO_SPACE).
 */
export function Pipe<First = unknown, Second = First>(
  options?: PipeOptions | null,
): [Connection<First, Second>, Connection<Second, First>] {
  const duplex = checkDuplex(options);
  const forth = createRing(options);
  let back: Attachment<QueueCore> | null = null;
  try {
    back = duplex ? createRing(options) : null;
    const first = new Connection<First, Second>({ receiving: again(forth), sending: again(back) });
    const second = new Connection<Second, First>({ receiving: again(back), sending: again(forth) });
    return [first, second];
  } finally {
    forth.close();
    back?.close();
  }
}

function createRing(options: PipeOptions | null | undefined): Attachment<QueueCore> {
  return attachQueue(
    createQueue('Connection', { capacity: options?.capacity, maxParticipants: options?.maxParticipants }),
  );
}

function again<T extends Attachment<QueueCore> | null>(ring: T): Attachment<QueueCore> | T {
  return ring === null ? ring : new Attachment(ring.core);
}

function checkDuplex(options: unknown): boolean {
  if (options === undefined || options === null) return true;
  const given: { duplex?: unknown } = typeof options === 'object' ? options : { duplex: options };
  const { duplex = true } = given;
  if (typeof duplex !== 'boolean') {
    throw argumentTypeError(`Cannot make Pipe: duplex must be true or false, received ${inspect(duplex)}`);
  }
  return duplex;
}

/**
 * Plain data, the usual case: objects and arrays of scalars and Buffers, as a tree. MessagePack carries it exactly, as long
 * as it has none of the few things that a snapshot looks for.
 *
 * The entry point of msgpackr without generated code and native parts is used on purpose: it has module state of its own,
 * so extensions and buffers that a program sets on its msgpackr do not change what travels here.
 */
import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr/index-no-eval';

import { corruptMessage } from './corrupt.js';
import type { Snapshot } from './snapshot.js';
import { Tag } from './tags.js';

// The memory of msgpackr grows with the largest message and would stay so.
const LARGE_MESSAGE = 1 << 20;
const FRESH_SIZE = 8192;

const options = {
  mapsAsObjects: true,
  variableMapSize: true,
  copyBuffers: true,
  useToJSON: false,
  structuredClone: false,
};
const maps = new Packr({ ...options, useRecords: false });
const records = new Packr({ ...options, useRecords: true });
const unpackr = new Unpackr({ ...options, useRecords: false });

const packMode = REUSE_BUFFER_MODE | RESET_BUFFER_MODE | (RESERVE_START_SPACE + 1);

/** A message in memory that the next one will overwrite. */
export interface PackedMessage extends Buffer {
  readonly start: number;
  readonly end: number;
}

/** The whole message of the value of a plain snapshot, its tag included. */
export function packPlain({ root, hasRows }: Snapshot): PackedMessage {
  const packr = hasRows ? records : maps;
  const message = packr.pack(root[0], packMode) as PackedMessage;
  message[message.start] = Tag.PLAIN;
  if (message.length > LARGE_MESSAGE) packr.useBuffer(Buffer.allocUnsafeSlow(FRESH_SIZE));
  return message;
}

/** Reads what `packPlain` wrote, behind the tag. */
export function unpackPlain(bytes: Uint8Array, start: number, end: number): unknown {
  // Of a Buffer, the parts that are bytes come as Buffers.
  const source = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return unpackr.unpack(source, { start, end });
  } catch (error) {
    throw corruptMessage('its MessagePack is damaged', error);
  }
}

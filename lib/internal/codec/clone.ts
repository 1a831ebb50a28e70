/** The engine's own format for structured clone: exact, slower, and with a version that grows with the engine. */
import { NotTransferableError, VersionError } from '../../errors.js';
import { builtin } from '../builtin.js';
import { corruptMessage } from './corrupt.js';
import { restore } from './restore.js';
import type { Snapshot } from './snapshot.js';
import { Tag } from './tags.js';

/** The head of the engine's format: a mark, and the version, which is below 128 for a long time to come. */
const HEAD_MARK = 0xff;

let knownVersion: number | undefined;

function engineVersion(): number {
  if (knownVersion === undefined) {
    const serializer = new builtin.v8.Serializer();
    serializer.writeHeader();
    knownVersion = serializer.releaseBuffer().readUInt8(1);
  }
  return knownVersion;
}

/** The whole message of a snapshot, its tag included. */
export function writeClone(snapshot: Snapshot): Buffer {
  const { root, steps } = snapshot;
  const complete = steps.length === 0;
  const serializer = new builtin.v8.Serializer();
  try {
    serializer.writeRawBytes(Uint8Array.of(complete ? Tag.CLONE : Tag.RESTORED));
    serializer.writeHeader();
    serializer.writeValue(complete ? root[0] : [root, steps]);
    return serializer.releaseBuffer();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NotTransferableError(`Cannot send a value: ${reason}`, { path: '', cause: error });
  }
}

/**
 * Reads what `writeClone` wrote.
 *
 * @throws VersionError when the engine of the sender is newer and writes what this one cannot read.
 */
export function readClone(bytes: Uint8Array, start: number, end: number): unknown {
  const version = bytes[start + 2] as number;
  if (end - start >= 3 && bytes[start + 1] === HEAD_MARK && version > engineVersion()) {
    throw new VersionError(
      `Cannot decode a message: its sender runs a newer Node.js, format ${version}, and this one reads up to ${engineVersion()}`,
    );
  }
  const value = deserialize(bytes.subarray(start + 1, end));
  return bytes[start] === Tag.RESTORED ? restore(value) : value;
}

function deserialize(bytes: Uint8Array): unknown {
  let value: unknown;
  let rest: number;
  try {
    const deserializer = new builtin.v8.Deserializer(bytes);
    deserializer.readHeader();
    value = deserializer.readValue();
    rest = bytes.byteOffset + bytes.byteLength - deserializer.readRawBytes(0).byteOffset;
  } catch (error) {
    throw corruptMessage('the engine cannot read it', error);
  }
  if (rest !== 0) throw corruptMessage(`${rest} bytes are left over`);
  return value;
}

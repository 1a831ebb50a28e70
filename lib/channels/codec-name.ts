/**
 * How a queue's values become bytes.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';

/** `'structured'`: any value that can travel. `'raw'`: bytes as they are. */
export type CodecName = 'structured' | 'raw';

export function isCodecName(codec: unknown): codec is CodecName {
  return codec === 'structured' || codec === 'raw';
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function checkCodec(codec: unknown, action: string): CodecName {
  if (codec === undefined || codec === null) return 'structured';
  if (isCodecName(codec)) return codec;
  throw argumentTypeError(`Cannot ${action}: codec must be 'structured' or 'raw', received ${inspect(codec)}`);
}

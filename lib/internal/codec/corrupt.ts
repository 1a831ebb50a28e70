import { CorruptSegmentError } from '../../errors.js';

/** The error for bytes that no encoder can have written. */
export function corruptMessage(reason: string, cause?: unknown): CorruptSegmentError {
  return new CorruptSegmentError(`Cannot decode a message: ${reason}`, { cause });
}

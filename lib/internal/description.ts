/**
 * Descriptions: the JSON that an object's maker left beside it in shared memory.
 */
import { CorruptSegmentError } from '../errors.js';

/**
 * Reads one.
 *
 * @param what of which kind of object, for the message.
 * @throws CorruptSegmentError if it is not the text of an object.
 */
export function parseDescription(text: string, what: string): Readonly<Record<string, unknown>> {
  let cause: unknown;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    cause = error;
  }
  throw new CorruptSegmentError(`Cannot open ${what}: its description is damaged`, { cause });
}

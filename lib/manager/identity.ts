/**
 * Who this thread is to managers.
 */
import { builtin } from '../internal/builtin.js';

let id: string | undefined;

/** Names this thread: no other has the same. */
export function ownClientId(): string {
  return (id ??= builtin.crypto.randomUUID());
}

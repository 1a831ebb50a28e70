/**
 * `multiproc gc`: removes what no living process has open.
 */
import { call, native } from '../internal/native.js';

/** Text of the command's output. */
export function collectGarbage(json: boolean): string {
  const removed = call(() => native.sweep());
  if (json) return `${JSON.stringify(removed)}\n`;
  if (removed.length === 0) return 'nothing to remove\n';
  return removed.map((name) => `removed ${name}\n`).join('');
}

/** Has the process ended? Its parent need not have noticed. */
import { readFileSync } from 'node:fs';

/** False as long as it runs or is stopped. */
export function isGone(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

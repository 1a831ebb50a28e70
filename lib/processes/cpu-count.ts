/**
 * How many processors there are, and how many this process may use.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { native } from '../internal/native.js';

/** Processors of the machine. */
export function cpuCount(): number {
  return Math.max(cpus().length, 1);
}

/**
 * Processors that this process may use: the smallest of its affinity, and of the quotas of its control groups, rounded up. At least 1.
 */
export function usableCpuCount(): number {
  return Math.max(1, Math.min(native.usableCpus, Math.ceil(quota())));
}

function quota(): number {
  try {
    return Math.min(...readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map(quotaOf));
  } catch {
    return Infinity;
  }
}

/** The smallest quota on the way from the root to a group; a line is `number:controllers:path`. */
function quotaOf(line: string): number {
  const [, controllers = '', path = '/'] = line.split(':');
  const folders = path.split('/').filter((name) => name !== '');
  let smallest = Infinity;
  for (let depth = 0; depth <= folders.length; depth++) {
    const below = folders.slice(0, depth).join('/');
    if (controllers === '') smallest = Math.min(smallest, readMax(`/sys/fs/cgroup/${below}/cpu.max`));
    else if (controllers.split(',').includes('cpu'))
      smallest = Math.min(smallest, readFair(`/sys/fs/cgroup/${controllers}/${below}`));
  }
  return smallest;
}

/** Version 2: `quota period`, in microseconds, or `max`. */
function readMax(file: string): number {
  const [limit, period] = read(file).split(' ');
  return limit === undefined || limit === '' || limit === 'max' ? Infinity : Number(limit) / Number(period);
}

/** Version 1: the quota is -1 when there is none. */
function readFair(folder: string): number {
  const limit = Number(read(`${folder}/cpu.cfs_quota_us`));
  const period = Number(read(`${folder}/cpu.cfs_period_us`));
  return limit > 0 && period > 0 ? limit / period : Infinity;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

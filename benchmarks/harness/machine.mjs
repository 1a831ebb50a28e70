// @ts-check
/** What a figure depends on besides the code: the machine, the versions, the load. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';

import { compilerFacts, readPackage } from './setup.mjs';

/** @param {string} path */
function firstLine(path) {
  return existsSync(path) ? (readFileSync(path, 'utf8').split('\n', 1)[0] ?? null) : null;
}

/** @param {string} command @param {string[]} args */
function outputOf(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

/** The description that a result file begins with. */
export function describeMachine() {
  const cpus = os.cpus();
  const shm = statfsSync('/dev/shm');
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    usableCores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    shmBytes: shm.blocks * shm.bsize,
    architecture: process.arch,
    kernel: os.release(),
    governor: firstLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? 'not reported',
    virtual: readFileSync('/proc/cpuinfo', 'utf8').includes('hypervisor'),
    pinning: 'none',
    loadAverage: os.loadavg(),
  };
}

/** Versions of everything measured. */
export function describeVersions() {
  return {
    commit: outputOf('git', ['rev-parse', '--short', 'HEAD']) ?? 'none',
    node: process.version,
    v8: process.versions.v8,
    python: outputOf('python3', ['--version']),
    libc: outputOf('getconf', ['GNU_LIBC_VERSION']),
    packages: readPackage().dependencies,
    native: compilerFacts(),
  };
}

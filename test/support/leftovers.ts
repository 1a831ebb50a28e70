/**
 * Nothing may stay behind: no process, no segment, no descriptor.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { activeChildren, Lock } from 'multiproc';
import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { commandLineTool, runningChildren, startedPids } from './run-child.js';

/** Links of this process's descriptors of shared memory. */
function sharedDescriptors(): string[] {
  const links: string[] = [];
  for (const descriptor of readdirSync('/proc/self/fd')) {
    try {
      const link = readlinkSync(`/proc/self/fd/${descriptor}`);
      if (link.startsWith('/dev/shm/')) links.push(link);
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return links.sort();
}

function runTool(command: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [commandLineTool, command, '--json'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`multiproc ${command} failed: ${stderr}`);
  return stdout;
}

interface ListedSegment {
  readonly name: string;
  readonly participants: readonly { readonly pid: number; readonly alive: boolean }[];
}

/** Checks the tests of the calling file, each by itself. */
export function expectNoLeftovers(): void {
  // The arena of this process is made once and stays: it belongs to every picture.
  new Lock().close();
  let before: string[] = [];

  beforeEach(() => {
    before = sharedDescriptors();
  });

  afterEach(async () => {
    const processes = activeChildren();
    for (const child of processes) {
      child.kill();
      child.joinSync();
    }
    const left = runningChildren();
    for (const child of left) {
      child.kill('SIGKILL');
      await child.exit.catch(() => undefined);
    }
    expect(
      left.map((child) => child.fixture),
      'children that did not end',
    ).toEqual([]);
    expect(processes.map(String), 'processes that did not end').toEqual([]);
    expect(sharedDescriptors(), 'descriptors of shared memory').toEqual(before);
  });

  afterAll(() => {
    runTool('gc');
    const segments = JSON.parse(runTool('ls')) as ListedSegment[];
    // The places of dead participants in a segment that is in use are cleared when somebody needs them.
    const ours = segments.filter(
      ({ participants }) =>
        participants.some(({ pid }) => startedPids().has(pid)) && !participants.some(({ alive }) => alive),
    );
    expect(ours, 'segments of processes that have ended').toEqual([]);
  });
}

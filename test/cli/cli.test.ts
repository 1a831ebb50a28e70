import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Lock } from 'multiproc';
import { expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { commandLineTool } from '../support/run-child.js';

expectNoLeftovers();

function run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [commandLineTool, ...args], { encoding: 'utf8' });
}

interface Segment {
  readonly name: string;
  readonly kind: string;
  readonly size: number;
  readonly orphan: boolean;
  readonly participants: readonly { readonly pid: number; readonly command: string; readonly alive: boolean }[];
}

test('multiproc ls lists segments with the processes that have them open', async () => {
  using lock = new Lock({ name: `ls-${process.pid}` });
  const agent = new Agent();
  await agent.call(lock, 'locked');
  const { status, stdout } = run('ls');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^NAME +KIND +SIZE +DEPTH +PROCESSES\n/);
  const line = stdout.split('\n').find((text) => text.includes(`ls-${process.pid}`));
  expect(line).toContain(String(process.pid));
  expect(line).toContain(String(agent.pid));
  expect(line).toMatch(/KiB/);
  const segments = JSON.parse(run('ls', '--json').stdout) as Segment[];
  const segment = segments.find(({ name }) => name.endsWith(`ls-${process.pid}`));
  expect(segment).toMatchObject({ orphan: false });
  expect(segment?.participants.map(({ pid }) => pid).sort()).toEqual([process.pid, agent.pid].sort());
  expect(segment?.participants.every(({ alive }) => alive)).toBe(true);
  await agent.end();
});

test('multiproc gc removes what dead processes left, and nothing else', async () => {
  using lock = new Lock({ name: `gc-mine-${process.pid}` });
  const agent = new Agent();
  await agent.call(`new:Lock:gc-dead-${process.pid}`, 'locked');
  const mine = `/dev/shm/multiproc.${process.getuid?.() ?? 0}.gc-mine-${process.pid}`;
  const dead = mine.replace('mine', 'dead');
  expect(existsSync(dead)).toBe(true);
  await agent.kill();
  const { status } = run('gc');
  expect(status).toBe(0);
  expect(existsSync(dead)).toBe(false);
  expect(existsSync(mine)).toBe(true);
  expect(lock.locked()).toBe(false);
});

test('multiproc doctor shows the machine and the addon', () => {
  const { status, stdout } = run('doctor');
  expect(status).toBe(0);
  expect(stdout).toContain(process.version);
  const facts = JSON.parse(run('doctor', '--json').stdout) as Record<string, unknown>;
  expect(facts).toMatchObject({ platform: `${process.platform} ${process.arch}`, node: process.version });
  expect(String(facts['addon'])).toMatch(/\.node$/);
});

test('multiproc explains itself', () => {
  expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: multiproc') as unknown });
  expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(run()).toMatchObject({ status: 2, stdout: '' });
  expect(run('destroy').stderr).toContain('Cannot run destroy: no such command');
  expect(run('ls', '--fast').status).toBe(2);
});

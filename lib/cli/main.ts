#!/usr/bin/env node
/**
 * The command line tool: looks at shared memory from outside, and tidies it up; works for pools in Redis.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { collectGarbage } from './gc.js';
import { reportHealth } from './doctor.js';
import { listSegments } from './ls.js';
import { runWorkers } from './worker.js';

const usage = `Usage: multiproc <command> [--json]

  ls       list the segments in shared memory: kind, size, who has them open, how full they are
  gc       remove the segments that no living process has open; never touches any other
  doctor   print what the library found on this machine
  worker   do the tasks of pools in Redis; \`multiproc worker --help\` has its options

  --json       print JSON
  --help       print this text
  --version    print the version
`;

const commands: Readonly<Record<string, (json: boolean) => string>> = {
  ls: listSegments,
  gc: collectGarbage,
  doctor: reportHealth,
};

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Runs one command. @returns the exit code: 0 done, 1 failed, 2 not understood. */
function main(args: string[]): number {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.version === true) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const [name = '', ...rest] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined || rest.length > 0) {
    process.stderr.write(name === '' ? usage : `Cannot run ${positionals.join(' ')}: no such command\n\n${usage}`);
    return 2;
  }
  try {
    process.stdout.write(command(values.json === true));
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

const [first, ...others] = process.argv.slice(2);
process.exitCode = first === 'worker' ? await runWorkers(others) : main(process.argv.slice(2));

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

/** Runs a command with a /dev/shm of its own, of 2 MiB: the real one is too large to fill, and others use it. */
function withSmallSharedMemory(...command: string[]) {
  // What stays behind in it is an error, too.
  const script = 'mount -t tmpfs -o size=2m tmpfs /dev/shm && "$@" && ls -A /dev/shm >&2';
  const args = ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', ...command];
  return spawnSync('unshare', args, { encoding: 'utf8', timeout: 200_000, killSignal: 'SIGKILL' });
}

// Containers often forbid it.
const mayMount = withSmallSharedMemory('true').status === 0;

describe.skipIf(!mayMount)('with /dev/shm full (skipped where a process may not mount a small one)', () => {
  const fixture = fileURLToPath(new URL('../fixtures/fill-shared-memory.mjs', import.meta.url));
  const run = withSmallSharedMemory(process.execPath, fixture);
  const outcomes = (): Record<string, unknown> => {
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
    return JSON.parse(run.stdout) as Record<string, unknown>;
  };
  const message: unknown = expect.stringMatching(/\d+ bytes asked, \d+ (bytes )?free/);
  const noSpace = { code: 'ERR_MULTIPROC_NO_SPACE', message };

  test.each(['Queue', 'SimpleQueue', 'JoinableQueue', 'SharedArray', 'SharedMap', 'SharedMemory', 'ShareableList'])(
    'making a %s gives NoSpaceError, with what was asked and what there is',
    (name) => {
      expect(outcomes()[name]).toMatchObject(noSpace);
    },
  );

  test('small objects fit until NoSpaceError', () => {
    expect(outcomes()['filling with locks']).toMatchObject(noSpace);
  });

  test('what exists works on, and a message that finds no space is not put', () => {
    const got = outcomes();
    expect(got['put']).toBeUndefined();
    expect(got['get']).toBe('x');
    expect(got['put a large message']).toMatchObject(noSpace);
    expect(got['put a large message later']).toMatchObject(noSpace);
    expect(got['size after that']).toBe(0);
  });

  test('close() gives memory back at once', () => {
    const got = outcomes();
    expect(got['put a large message into what was freed']).toBe(true);
    expect(got).not.toHaveProperty('make a queue of what was freed');
    // The segment of small objects serves the next ones.
    expect(got['left']).toHaveLength(1);
  });
});

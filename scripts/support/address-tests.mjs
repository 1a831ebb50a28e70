// @ts-check
// The JavaScript tests on an addon with the address and undefined behaviour sanitizers.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { buildAddon } from './build-addon.mjs';
import { buildLibrary } from './build-library.mjs';
import { buildSanitizedAddon } from './build-tested-addon.mjs';
import { root } from './root.mjs';
import { output } from './run.mjs';
import { runVitest } from './vitest-run.mjs';

/** @typedef {import('./native-build.mjs').Counts} Counts */

/** Files that are left out, and why: what they look at is changed by the sanitizer itself. */
const LEFT_OUT = {
  'test/memory/leaks.test.ts': "it looks at the allocator's memory, and the sanitizer replaces the allocator",
};

/** What the gate runs of them: files for each part of the binding, `native/binding/NAME_binding.cc`, that need few processes. */
const QUICK = {
  housekeeping: ['test/cli/cli.test.ts'],
  map: ['test/memory/shared-map.test.ts'],
  object: [
    'test/memory/array.test.ts',
    'test/memory/shared-memory.test.ts',
    'test/internal/damaged-descriptions.test.ts',
  ],
  process: ['test/processes/surroundings.test.ts', 'test/processes/held-by-children.test.ts'],
  ring: ['test/channels/queue.test.ts', 'test/channels/raw-messages.test.ts', 'test/channels/damaged-spills.test.ts'],
  sync: ['test/sync/barrier.test.ts', 'test/sync/rlock.test.ts', 'test/sync/semaphore.test.ts'],
  waiting: ['test/channels/queue-waits.test.ts', 'test/processes/wait.test.ts', 'test/sync/worker-threads.test.ts'],
};

/** In the addon that ships there is nothing of it. */
const NOT_SHIPPED = 'fault';

/** @returns {Counts} as {@link runAddressTests}, of at least one file for each part of the binding */
export function runQuickAddressTests() {
  const parts = readdirSync(join(root, 'native/binding')).flatMap((file) => /^(.+)_binding\.cc$/.exec(file)?.[1] ?? []);
  const missing = parts.filter((part) => part !== NOT_SHIPPED && !(part in QUICK));
  if (missing.length > 0)
    throw new Error(`Cannot choose tests on a sanitized addon: none is named for ${missing.join(', ')}`);
  return runAddressTests(Object.values(QUICK).flat());
}

/**
 * Every process that a test starts inherits the preloaded runtime, the addon and where reports go: a report counts as a
 * failed test wherever it was made, also when nobody looked at that process's exit code.
 *
 * @param {readonly string[]} filters parts of the names of the files that are run; none: all
 * @returns {Counts} a build that fails counts as one failed test
 */
export function runAddressTests(filters) {
  // The tests of the loader copy the addon that ships.
  if (!buildAddon() || !buildLibrary()) return { passed: 0, failed: 1 };
  const addon = buildSanitizedAddon();
  if (addon === undefined) return { passed: 0, failed: 1 };
  const runtime = sanitizerRuntime();
  for (const [file, why] of Object.entries(LEFT_OUT)) process.stdout.write(`left out: ${file}: ${why}\n`);
  const files = [...filters, ...Object.keys(LEFT_OUT).map((file) => `--exclude=${file}`)];
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-address-'));
  try {
    const env = {
      TEST_SLOWNESS: '5',
      LD_PRELOAD: runtime,
      MULTIPROC_NATIVE_PATH: addon,
      // V8 and Node leave memory to the end of the process, which would be thousands of reports; leaks of the core are
      // looked for by the native tests, those of the binding by the leak test.
      // Node takes all handlers of signals away when it starts, but for exclusive ones.
      ASAN_OPTIONS: `detect_leaks=0:halt_on_error=1:handle_sigill=2:log_path=${join(folder, 'report')}`,
    };
    const { passed, failed } = runVitest(env, files);
    const reports = readdirSync(folder);
    for (const report of reports) process.stderr.write(`${report}:\n${readFileSync(join(folder, report), 'utf8')}\n`);
    return { passed, failed: failed + reports.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @throws {Error} when the compiler has no such library: without it in the process first, the addon does not load */
function sanitizerRuntime() {
  const path = output(process.env['CXX'] ?? 'g++', ['-print-file-name=libasan.so']).trim();
  // A compiler that does not find the file prints the name as it is.
  if (!isAbsolute(path) || !existsSync(path)) throw new Error(`Cannot find libasan.so: the compiler says ${path}`);
  return path;
}

// @ts-check
// The JavaScript tests on an addon with the address and undefined behaviour sanitizers.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { buildAddon, buildSanitizedAddon, sanitizedAddon } from './build-addon.mjs';
import { buildLibrary } from './build-library.mjs';
import { output } from './run.mjs';
import { runVitest } from './vitest-run.mjs';

/** @typedef {import('./native-build.mjs').Counts} Counts */

/** Files that are left out, and why: what they look at is changed by the sanitizer itself. */
const LEFT_OUT = {
  'test/memory/leaks.test.ts': "it looks at the allocator's memory, and the sanitizer replaces the allocator",
};

/**
 * Every process that a test starts inherits the preloaded runtime, the addon and where reports go: a report counts as a
 * failed test wherever it was made, also when nobody looked at that process's exit code.
 *
 * @param {readonly string[]} filters parts of the names of the files that are run; none: all
 * @returns {Counts} a build that fails counts as one failed test
 */
export function runAddressTests(filters) {
  // The tests of the loader copy the addon that ships.
  if (!buildAddon() || !buildSanitizedAddon() || !buildLibrary()) return { passed: 0, failed: 1 };
  const runtime = sanitizerRuntime();
  for (const [file, why] of Object.entries(LEFT_OUT)) process.stdout.write(`left out: ${file}: ${why}\n`);
  const files = [...filters, ...Object.keys(LEFT_OUT).map((file) => `--exclude=${file}`)];
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-address-'));
  try {
    const env = {
      TEST_SLOWNESS: '5',
      LD_PRELOAD: runtime,
      MULTIPROC_NATIVE_PATH: sanitizedAddon,
      // V8 and Node leave memory to the end of the process, which would be thousands of reports; leaks of the core are
      // looked for by the native tests, those of the binding by the leak test.
      ASAN_OPTIONS: `detect_leaks=0:halt_on_error=1:log_path=${join(folder, 'address')}`,
      UBSAN_OPTIONS: `halt_on_error=1:print_stacktrace=1:log_path=${join(folder, 'undefined')}`,
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

// @ts-check
// Formats TypeScript, JavaScript, JSON and Markdown with Oxfmt, and C++ with clang-format where it is installed.
//
//   node scripts/format.mjs [--check]      --check changes nothing and needs both

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './support/root.mjs';
import { binOf, run } from './support/run.mjs';
import { filesBelow } from './support/stamp.mjs';

const check = process.argv.includes('--check');

const scripts = run(process.execPath, [binOf('oxfmt'), ...(check ? ['--check'] : []), '.']);
process.exitCode = formatNative() && scripts ? 0 : 1;

function formatNative() {
  const sources = ['native', 'test/native', 'test/fuzz', 'benchmarks/native']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap(filesBelow)
    .filter((file) => /\.(?:cc|h)$/.test(file));
  if (spawnSync('clang-format', ['--version']).error) {
    process.stderr.write(`clang-format is not installed: ${sources.length} C++ files were left alone\n`);
    return !check;
  }
  return run('clang-format', [...(check ? ['--dry-run', '-Werror'] : ['-i']), ...sources]);
}

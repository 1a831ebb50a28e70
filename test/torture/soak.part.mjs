// @ts-check
// The long form of the native soak, whose short form is a test of CTest.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildNativeTests } from '../../scripts/support/native-build.mjs';
import { root } from '../../scripts/support/root.mjs';

const FOLDER = join('build-cmake', 'plain');

/** @type {import('./part.js').Part} */
export const part = {
  name: 'soak',
  summary: 'producers, consumers, lock users are killed at work, 25 a second, the ledger checked throughout',
  async run({ minutes, seed, log }) {
    if (!buildNativeTests(FOLDER, '', 'soak')) return { ok: false, figures: {} };
    const folder = mkdtempSync(join(tmpdir(), 'soak-'));
    try {
      const json = join(folder, 'figures.json');
      const args = ['--seconds', String(minutes * 60), '--seed', String(seed), '--json', json];
      const child = spawn(join(root, FOLDER, 'soak'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => log(text.trimEnd()));
      }
      const [code] = await once(child, 'close');
      if (code !== 0) return { ok: false, figures: { code: /** @type {unknown} */ (code) } };
      return { ok: true, figures: JSON.parse(readFileSync(json, 'utf8')) };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

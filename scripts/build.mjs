// @ts-check
// Builds the addon (build/Release/multiproc.node) and the library (dist/); what is up to date is left alone.
//
//   node scripts/build.mjs [native | ts]

import { buildAddon } from './support/build-addon.mjs';
import { buildLibrary } from './support/build-library.mjs';

const PARTS = { native: [buildAddon], ts: [buildLibrary], all: [buildAddon, buildLibrary] };

const part = process.argv[2] ?? 'all';
if (!Object.hasOwn(PARTS, part)) {
  process.stderr.write(`Cannot build ${JSON.stringify(part)}: the parts are native and ts\n`);
  process.exit(2);
}
for (const build of PARTS[/** @type {keyof typeof PARTS} */ (part)]) {
  if (!build()) process.exit(1);
}

// @ts-check
// Runs the native unit tests, plain or under sanitizers.
//
//   node scripts/native-tests.mjs [plain | address | thread]

import { parseArgs } from 'node:util';
import { runNativeTests, variantNames } from './support/native-build.mjs';

const { positionals } = parseArgs({ allowPositionals: true });
const [variant = 'plain'] = positionals;
if (!variantNames.includes(variant)) {
  process.stderr.write(`Cannot run native tests of ${JSON.stringify(variant)}: there are ${variantNames.join(', ')}\n`);
  process.exit(2);
}
const counts = runNativeTests(variant);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exit(counts.failed === 0 ? 0 : 1);

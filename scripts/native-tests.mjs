// @ts-check
// Runs the native unit tests, plain or under sanitizers.
//
//   node scripts/native-tests.mjs [plain | address | thread]

import { runNativeTests, variantNames } from './support/native-build.mjs';

const variant = process.argv[2] ?? 'plain';
if (!variantNames.includes(variant)) {
  process.stderr.write(`Cannot run native tests of ${JSON.stringify(variant)}: there are ${variantNames.join(', ')}\n`);
  process.exit(2);
}
const { passed, failed } = runNativeTests(variant);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);

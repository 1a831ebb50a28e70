// @ts-check
// Runs the JavaScript tests on a sanitized addon.
//
//   node scripts/address-tests.mjs [FILTER...]      parts of the names of test files; none: all

import { runAddressTests } from './support/address-tests.mjs';

const { passed, failed } = runAddressTests(process.argv.slice(2));
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

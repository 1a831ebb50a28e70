// @ts-check
// Runs the JavaScript tests on a sanitized addon.

import { runAddressTests } from './support/address-tests.mjs';

const { passed, failed } = runAddressTests();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

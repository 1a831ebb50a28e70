// @ts-check
// Prints the addon's C++ sources, one per line, for binding.gyp.

import { nativeSources } from './support/native-sources.mjs';

process.stdout.write(`${nativeSources().join('\n')}\n`);

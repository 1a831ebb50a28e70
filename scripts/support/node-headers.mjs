// @ts-check
// Where node-gyp finds Node's headers.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * Most installations carry their headers beside the binary; naming them saves node-gyp a download.
 *
 * @returns {string | undefined} for `--nodedir`, or undefined when node-gyp must fetch them
 */
export function nodeDirectory() {
  const prefix = resolve(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? prefix : undefined;
}

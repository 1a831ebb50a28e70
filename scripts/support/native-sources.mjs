// @ts-check
// Which files make up the native side. One answer for binding.gyp and for the up-to-date check.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';

const FOLDERS = ['native/binding', 'native/core', 'native/platform'];

/** @returns {string[]} the addon's sources, relative to the project's folder */
export function nativeSources() {
  return ['native/addon.cc', ...FOLDERS.flatMap((folder) => filesIn(folder, '.cc'))];
}

/** @returns {string[]} the headers that those sources may include */
export function nativeHeaders() {
  return FOLDERS.flatMap((folder) => filesIn(folder, '.h'));
}

/**
 * @param {string} folder
 * @param {string} ending
 */
function filesIn(folder, ending) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => `${folder}/${name}`);
}

// @ts-check
// The input: the text files below a folder, held in memory so that no part of the comparison reads files.

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that are kept in memory at most. */
export const LIMIT = 1024 ** 3;
/** Git's rule: a zero byte this far from the beginning makes a file binary (buffer_is_binary() in xdiff-interface.c). */
const BINARY_PREFIX = 8000;

/** @typedef {{ texts: Buffer[], bytes: number, skipped: number }} Input */

/**
 * Paths of the regular files below a folder, sorted. Links are not followed; what begins with a dot is left out.
 *
 * @param {string} folder
 * @param {RegExp} pattern of the names to take
 */
export async function listFiles(folder, pattern) {
  /** @type {string[]} */
  const files = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of await attempt('read folder', next, (path) => readdir(path, { withFileTypes: true }))) {
      if (entry.name.startsWith('.')) continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && pattern.test(entry.name)) files.push(path);
    }
  }
  return files.sort();
}

/**
 * Reads the files; binary ones are skipped, empty ones have nothing to count.
 *
 * @param {readonly string[]} paths
 * @param {(files: number) => void} onProgress
 * @param {number} [limit] bytes
 * @returns {Promise<Input>}
 */
export async function readTexts(paths, onProgress, limit = LIMIT) {
  /** @type {Input} */
  const input = { texts: [], bytes: 0, skipped: 0 };
  for (const [index, path] of paths.entries()) {
    // Before reading: a file may be longer than anything that fits into memory.
    const { size } = await attempt('read', path, (file) => stat(file));
    if (input.bytes + size > limit) {
      throw new Error(`Cannot read ${path}: this example keeps all texts in memory, ${limit} bytes at most`);
    }
    const text = await attempt('read', path, (file) => readFile(file));
    if (text.subarray(0, BINARY_PREFIX).includes(0)) {
      input.skipped += 1;
    } else if (text.length > 0) {
      input.texts.push(text);
      input.bytes += text.length;
    }
    onProgress(index + 1);
  }
  return input;
}

/**
 * @template T
 * @param {string} action
 * @param {string} path
 * @param {(path: string) => Promise<T>} operation
 */
async function attempt(action, path, operation) {
  try {
    return await operation(path);
  } catch (cause) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
    throw new Error(`Cannot ${action} ${path}: ${REASONS.get(code ?? '') ?? message}`, { cause });
  }
}

/** @type {ReadonlyMap<string, string>} */
const REASONS = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'it is not a folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
]);

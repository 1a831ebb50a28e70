// @ts-check
// Up-to-date checks by content, so that neither a checkout nor a copy, which change times, starts a build.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './root.mjs';

/**
 * @param {readonly string[]} files relative to the project's folder
 * @param {readonly string[]} [facts] whatever else decides the result
 */
export function fingerprint(files, facts = []) {
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`${fact}\0`);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** All files below a folder, relative to the project's folder, in a fixed order. @param {string} folder */
export function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** The record that a result in `path` was made from what the fingerprint describes. */
export class Stamp {
  /** @type {string} */
  #path;

  /** @param {string} path relative to the project's folder */
  constructor(path) {
    this.#path = join(root, path);
  }

  /** @param {string} print */
  matches(print) {
    return existsSync(this.#path) && readFileSync(this.#path, 'utf8') === print;
  }

  /** To be called before the work starts: what fails half-way must not look finished. */
  remove() {
    rmSync(this.#path, { force: true });
  }

  /** @param {string} print */
  write(print) {
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#path, print);
  }
}

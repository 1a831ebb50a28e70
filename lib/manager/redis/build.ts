/**
 * Builds: what tells the code of one task module from other code of that name.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { argumentTypeError } from '../../errors.js';

/** A module, as workers and callers on different machines call it. */
export interface ModuleBuild {
  /** The name of its file, without folders, which differ from machine to machine. */
  readonly module: string;
  /** SHA-256, in hexadecimal, of that name and of the file's bytes; or, where somebody has said what the build is, of that. */
  readonly build: string;
}

const known = new Map<string, ModuleBuild>();

/**
 * The build of a module that this process runs. Its file is read once: what is loaded does not change either.
 *
 * @param url of its file.
 * @param said what the build is called, instead of the file's bytes; empty: nothing.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what is no file; the error of reading it.
 */
export function buildOf(url: string, said: string, action: string): ModuleBuild {
  const key = `${said}\n${url}`;
  let found = known.get(key);
  if (found === undefined) {
    if (!url.startsWith('file:'))
      throw argumentTypeError(`Cannot ${action}: workers elsewhere find only modules that are files, received ${url}`);
    const path = fileURLToPath(url);
    const module = basename(path);
    const content = said === '' ? readFileSync(path) : said;
    const kind = said === '' ? 'file' : 'said';
    const build = createHash('sha256').update(`${kind}\n${module}\n`).update(content).digest('hex');
    known.set(key, (found = { module, build }));
  }
  return found;
}

/**
 * Loads the library's one file. What the engine makes of it is what takes longest: children get that from their parent.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import type * as library from './library.js';
import { CODE_HEAD, type CompiledCode } from './processes/code-file.js';

type Library = typeof library;

const path = fileURLToPath(new URL('./bundle/multiproc.cjs', import.meta.url));
const require = createRequire(import.meta.url);

/**
 * The library, the same for everybody in this environment.
 *
 * @param given descriptor of the file with the parent's code, if there is a parent.
 */
export function loadLibrary(given?: number): Library {
  const loaded = require.cache[path];
  if (loaded !== undefined) return loaded.exports as Library;
  // Only what Node has loaded by itself has its stack traces mapped to the sources.
  if (process.sourceMapsEnabled) return require(path) as Library;
  const { source, print } = readSource();
  const cachedData = given === undefined ? undefined : readCode(given, print);
  const script = new Script(source, {
    filename: path,
    cachedData,
  });
  const isFromParent = cachedData !== undefined && script.cachedDataRejected === false;
  const module = (require.cache[path] = new Module(path));
  module.filename = path;
  try {
    type Body = (exports: unknown, require: NodeJS.Require, module: NodeJS.Module, file: string) => void;
    (script.runInThisContext() as Body)(module.exports, createRequire(path), module, path);
  } catch (error) {
    Reflect.deleteProperty(require.cache, path);
    throw error;
  }
  module.loaded = true;
  const result = module.exports as Library;
  const code: CompiledCode = { print, isFromParent, make: () => script.createCachedData() };
  result.keepCode(code);
  result.importBy((specifier) => import(specifier) as Promise<unknown>);
  return result;
}

/** The text as a function's, and what tells it from another one in its place. */
function readSource(): { source: string; print: string } {
  const [before, after] = Module.wrap('|').split('|') as [string, string];
  const file = openSync(path, 'r');
  try {
    const { ino, mtimeMs, size } = fstatSync(file);
    // One text, made at once: with a second one of this length the engine would have to collect garbage before the first line.
    const bytes = Buffer.allocUnsafeSlow(before.length + size + after.length);
    bytes.write(before, 0, 'latin1');
    readSync(file, bytes, before.length, size, 0);
    bytes.write(after, before.length + size, 'latin1');
    // The file is ASCII.
    return { source: bytes.toString('latin1'), print: `${ino}:${mtimeMs}:${size}` };
  } finally {
    closeSync(file);
  }
}

/** What the parent has written, if it has, and from the same text. */
function readCode(file: number, print: string): Buffer | undefined {
  const head = Buffer.alloc(CODE_HEAD);
  if (readSync(file, head, 0, CODE_HEAD, 0) < CODE_HEAD) return undefined;
  const [length = '', theirs] = head.toString('latin1').trim().split(' ');
  if (theirs !== print) return undefined;
  const code = Buffer.allocUnsafeSlow(Number(length));
  return readSync(file, code, 0, code.length, CODE_HEAD) === code.length ? code : undefined;
}

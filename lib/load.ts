/**
 * Loads the library's files. What the engine makes of them is what takes longest: children get that from their parent.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import type * as core from './core.js';
import type * as library from './library.js';
import { CODE_HEAD, type CompiledCode, type Part, PARTS } from './processes/code-file.js';

type Core = typeof core;
type Library = typeof library;

const require = createRequire(import.meta.url);

function pathOf(part: Part): string {
  return fileURLToPath(new URL(`./bundle/${part}.cjs`, import.meta.url));
}

/**
 * What a child needs, the same for everybody in this environment.
 *
 * @param given descriptor of the file with the parent's code, if there is a parent.
 */
export function loadCore(given?: number): Core {
  const loaded = require.cache[pathOf('core')];
  if (loaded !== undefined) return loaded.exports as Core;
  let code: CompiledCode | undefined;
  const keep = (found: CompiledCode): void => {
    code = found;
  };
  const result = load('core', given, keep) as Core;
  if (code !== undefined) result.keepCode(code);
  result.importBy((specifier) => import(specifier) as Promise<unknown>);
  result.restBy(() => require.cache[pathOf('multiproc')]?.exports ?? load('multiproc', given, result.keepCode));
  return result;
}

/** All of it. */
export function loadLibrary(): Library {
  return loadCore().loadRest() as Library;
}

function load(part: Part, given: number | undefined, keep: (code: CompiledCode) => void): unknown {
  const path = pathOf(part);
  // Only what Node has loaded by itself has its stack traces mapped to the sources.
  if (process.sourceMapsEnabled) return require(path);
  const { source, print } = readSource(path);
  const cachedData = given === undefined ? undefined : readCode(given, part, print);
  const script = new Script(source, { filename: path, cachedData });
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
  keep({ part, print, isFromParent, make: () => script.createCachedData() });
  return module.exports;
}

/** The text as a function's, and what tells it from another one in its place. */
function readSource(path: string): { source: string; print: string } {
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
function readCode(file: number, part: Part, print: string): Buffer | undefined {
  const head = Buffer.alloc(CODE_HEAD);
  if (readSync(file, head, 0, CODE_HEAD, PARTS.indexOf(part) * CODE_HEAD) < CODE_HEAD) return undefined;
  const [begin = '', length = '', theirs] = head.toString('latin1').trim().split(' ');
  if (theirs !== print) return undefined;
  const code = Buffer.allocUnsafeSlow(Number(length));
  return readSync(file, code, 0, code.length, Number(begin)) === code.length ? code : undefined;
}

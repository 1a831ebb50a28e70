/**
 * Finds and loads the addon: one binary per platform, architecture and C library, made by `prebuildify` and shipped
 * inside the package, so that installing needs no compiler, no network and no install script.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnsupportedPlatformError } from '../errors.js';

/** The addon, and how it was found. */
export interface LoadedAddon {
  /** What the addon exports; `native.ts` gives it its type. */
  readonly binding: unknown;
  /** The file it was loaded from. */
  readonly path: string;
  /** One line for each file that was looked at before, with the reason why it was not taken. */
  readonly tried: string[];
}

/** A place where the addon may be; `unfit` says why it cannot be used there, before any attempt to load it. */
interface Candidate {
  readonly path: string;
  readonly unfit?: string;
}

const require = createRequire(import.meta.url);

/** From `dist/internal/` to the package's folder. */
const packageFolder = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Loads the addon from the first of these that fits:
 *
 * 1. the file that the environment variable `MULTIPROC_NATIVE_PATH` names; no other is tried then;
 * 2. `build/Release/multiproc.node`, which only a development checkout has;
 * 3. `prebuilds/linux-<arch>/multiproc.<libc>.node`.
 *
 * @throws UnsupportedPlatformError (`ERR_MULTIPROC_UNSUPPORTED_PLATFORM`) when the platform is not Linux, or when no file
 * fits; the message lists each file with its reason.
 */
export function loadAddon(): LoadedAddon {
  const here = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') {
    throw new UnsupportedPlatformError(`Cannot load multiproc: it runs on Linux only, this is ${here}`);
  }
  const tried: string[] = [];
  let cause: unknown;
  for (const { path, unfit } of candidates(here)) {
    if (unfit !== undefined) {
      tried.push(`${path}: ${unfit}`);
      continue;
    }
    try {
      return { binding: require(path), path, tried };
    } catch (error) {
      cause = error;
      tried.push(`${path}: ${reasonOf(error, path)}`);
    }
  }
  throw new UnsupportedPlatformError(
    `Cannot load multiproc: no binary fits ${here} with Node ${process.version}; tried\n${tried.map((line) => `  ${line}`).join('\n')}`,
    cause === undefined ? {} : { cause },
  );
}

/** The places to look at, in order; lazily, since the C library matters only when a prebuilt binary is needed. */
function* candidates(here: string): Generator<Candidate> {
  const named = process.env['MULTIPROC_NATIVE_PATH'];
  if (named !== undefined && named !== '') {
    yield existing(named);
    return;
  }
  yield existing(join(packageFolder, 'build', 'Release', 'multiproc.node'));
  const folder = join(packageFolder, 'prebuilds', here);
  const libc = detectLibc();
  for (const name of ['glibc', 'musl'] as const) {
    const path = join(folder, `multiproc.${name}.node`);
    if (libc === undefined || libc === name) yield existing(path);
    else yield { path, unfit: `made for ${name}, this process uses ${libc}` };
  }
}

function existing(path: string): Candidate {
  return existsSync(path) ? { path } : { path, unfit: 'no such file' };
}

/**
 * Tells which C library this process runs on from the loader that the Node binary itself names (its ELF interpreter).
 *
 * Reading the head of the binary took 0.3 ms where a diagnostic report (`process.report`), the usual way, took 6 to 13 ms.
 *
 * @returns undefined when the binary does not say, as a statically linked one
 */
function detectLibc(): 'glibc' | 'musl' | undefined {
  const interpreter = /\/ld-(linux|musl)[-.\w]*\.so/.exec(headOf(process.execPath))?.[1];
  if (interpreter === undefined) return undefined;
  return interpreter === 'musl' ? 'musl' : 'glibc';
}

/** The first page of a file, where an ELF binary keeps the name of its interpreter; empty when it cannot be read. */
function headOf(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const head = Buffer.alloc(4096);
    return head.toString('latin1', 0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

/** The system's reason, without the path that the line already starts with and without Node's require stack. */
function reasonOf(error: unknown, path: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? message).replace(`${path}: `, '');
}

/** The layers of docs/architecture.md as executable rules: a failure names the rule and the line that broke it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A file's reference to another one. */
interface Reference {
  readonly from: string;
  readonly line: number;
  /** Relative to the project's folder for our own files; otherwise as written. */
  readonly to: string;
}

/** Native layers: a file may include its own layer and those to the right. */
const NATIVE_LAYERS = ['addon.cc', 'binding', 'core', 'platform'];

/** Library layers: a file may import its own layer and lower ranks; layers of equal rank do not know each other. */
const LIBRARY_RANKS: Readonly<Record<string, number>> = {
  'errors.ts': 0,
  internal: 1,
  sync: 2,
  memory: 3,
  channels: 3,
  processes: 4,
  manager: 5,
  csp: 5,
  'interface.ts': 6,
  'core.ts': 6,
  'context.ts': 7,
  'index.ts': 8,
  'csp.ts': 6,
  'library.ts': 9,
  cli: 9,
  'load.ts': 10,
  'boot.ts': 11,
};

const MAX_LINES = 500;

const nativeFiles = filesBelow('native', /\.(?:cc|h)$/);
const libraryFiles = filesBelow('lib', /\.ts$/);
const includes = nativeFiles.flatMap(includesOf);
const imports = libraryFiles.flatMap(importsOf);

describe('native/', () => {
  test('every file belongs to a layer', () => {
    expect(nativeFiles.filter((file) => !NATIVE_LAYERS.includes(layerOf(file)))).toEqual([]);
  });

  test('addon.cc → binding/ → core/ → platform/: left may include right only', () => {
    const rank = (file: string): number => NATIVE_LAYERS.indexOf(layerOf(file));
    expect(broken(ownOnly(includes), ({ from, to }) => rank(from) <= rank(to))).toEqual([]);
  });

  test('binding/ and addon.cc never include platform/', () => {
    const above = includes.filter(({ from }) => ['addon.cc', 'binding'].includes(layerOf(from)));
    expect(broken(above, ({ to }) => !to.startsWith('native/platform/'))).toEqual([]);
  });

  test('core/ and platform/ never include headers of Node, N-API or libuv', () => {
    const below = includes.filter(({ from }) => ['core', 'platform'].includes(layerOf(from)));
    expect(broken(below, ({ to }) => !/^(?:napi|node_api|node|uv|v8|js_native_api)[-\w]*\.h$/.test(to))).toEqual([]);
  });

  test('only platform/ has conditions on the platform', () => {
    const conditional = nativeFiles
      .filter((file) => layerOf(file) !== 'platform')
      .flatMap((file) =>
        linesOf(file).filter(({ text }) => /^\s*#\s*if.*__(?:linux|GLIBC|x86_64|aarch64|APPLE|musl)/i.test(text)),
      );
    expect(conditional.map(place)).toEqual([]);
  });

  test('every ORDER(name) marks both sides of an ordering: it appears at least twice', () => {
    const places = new Map<string, string[]>();
    for (const line of nativeFiles.flatMap(linesOf)) {
      for (const [, name = ''] of line.text.matchAll(/\bORDER\(([^)]+)\)/g)) {
        places.set(name, [...(places.get(name) ?? []), place(line)]);
      }
    }
    expect([...places].filter(([, where]) => where.length < 2)).toEqual([]);
  });
});

describe('lib/', () => {
  test('every file belongs to a layer', () => {
    expect(libraryFiles.filter((file) => !(layerOf(file) in LIBRARY_RANKS))).toEqual([]);
  });

  test('errors < internal < sync < memory, channels < processes < manager, csp < index: right may import left only', () => {
    const allowed = ({ from, to }: Reference): boolean => {
      const [source, target] = [layerOf(from), layerOf(to)];
      return source === target || (LIBRARY_RANKS[source] ?? -1) > (LIBRARY_RANKS[target] ?? Infinity);
    };
    expect(broken(ownOnly(imports), allowed)).toEqual([]);
  });

  test('nobody but cli/ imports cli/', () => {
    expect(broken(imports, ({ from, to }) => layerOf(from) === 'cli' || !to.startsWith('lib/cli/'))).toEqual([]);
  });

  test('only internal/loader.ts reaches for a .node file, and only internal/native.ts calls it', () => {
    const loads = libraryFiles.filter((file) => /\.node['"`]|\bdlopen\b/.test(textOf(file)));
    expect(loads).toEqual(['lib/internal/loader.ts']);
    const calls = imports.filter(({ to }) => to === 'lib/internal/loader.ts');
    expect(broken(calls, ({ from }) => from === 'lib/internal/native.ts')).toEqual([]);
  });

  test('only internal/import-module.ts imports what is named at run time: compiled code from a parent cannot', () => {
    const dynamic = libraryFiles.flatMap((file) =>
      linesOf(file).filter(({ text }) => /^[^*/]*\bimport\((?!['"])/.test(text)),
    );
    expect(dynamic.map(({ file }) => file)).toEqual(['lib/internal/import-module.ts', 'lib/load.ts']);
  });

  test('every import of an own file exists', () => {
    expect(broken(ownOnly(imports), ({ to }) => existsSync(join(root, to)))).toEqual([]);
  });
});

test(`no file in native/ or lib/ has more than ${MAX_LINES} lines`, () => {
  const long = [...nativeFiles, ...libraryFiles].map((file) => ({ file, lines: linesOf(file).length }));
  expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
});

/** The references that a rule forbids, as text that points at the line. */
function broken(references: readonly Reference[], allowed: (reference: Reference) => boolean): string[] {
  return references
    .filter((reference) => !allowed(reference))
    .map(({ from, line, to }) => `${from}:${line} refers to ${to}`);
}

function ownOnly(references: readonly Reference[]): Reference[] {
  return references.filter(({ to }) => to.startsWith('native/') || to.startsWith('lib/'));
}

/** The folder below `native/` or `lib/` that a file is in, or its name when it is in none. */
function layerOf(file: string): string {
  return file.split('/')[1] ?? file;
}

function includesOf(from: string): Reference[] {
  return linesOf(from).flatMap(({ line, text }) => {
    const target = /^\s*#\s*include\s*["<]([^">]+)[">]/.exec(text)?.[1];
    if (target === undefined) return [];
    const candidates = [`native/${target}`, posix.join(dirname(from), target)];
    return [{ from, line, to: candidates.find((file) => nativeFiles.includes(file)) ?? target }];
  });
}

/** Static, side-effect and dynamic imports, and re-exports; also those that span several lines. */
function importsOf(from: string): Reference[] {
  const text = textOf(from);
  const pattern = /(?:\bfrom\s*|^\s*import\s*|\bimport\s*\(\s*)(['"])([^'"\n]+)\1/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const target = match[2] ?? '';
    const line = text.slice(0, match.index).split('\n').length;
    const own = target.startsWith('.');
    return { from, line, to: own ? posix.join(dirname(from), target).replace(/\.js$/, '.ts') : target };
  });
}

interface Line {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

function place({ file, line }: Line): string {
  return `${file}:${line}`;
}

function linesOf(file: string): Line[] {
  return textOf(file)
    .replace(/\n$/, '')
    .split('\n')
    .map((text, index) => ({ file, line: index + 1, text }));
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Paths relative to the project's folder, sorted. */
function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((file) => pattern.test(file))
    .sort();
}

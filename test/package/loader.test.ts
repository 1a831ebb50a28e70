/** The loader in a package of its own making: what it tries, in which order, and what it says when nothing fits. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const addon = join(root, 'build/Release/multiproc.node');
const prebuilds = `prebuilds/${process.platform}-${process.arch}`;
const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
const [libc, otherLibc] = glibcVersionRuntime === undefined ? ['musl', 'glibc'] : ['glibc', 'musl'];

/** A copy of the package's code without any addon. */
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'multiproc-loader-'));
  mkdirSync(join(folder, 'dist/internal'), { recursive: true });
  for (const file of ['package.json', 'dist/errors.js', 'dist/internal/loader.js']) {
    cpSync(join(root, file), join(folder, file));
  }
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What `loadAddon()` gives in a process of its own, where nothing has been loaded yet. */
interface Outcome {
  readonly path?: string;
  readonly tried?: readonly string[];
  readonly exports?: number;
  readonly code?: string;
  readonly message?: string;
}

function load(env: NodeJS.ProcessEnv = {}, prelude = ''): Outcome {
  const loader = pathToFileURL(join(folder, 'dist/internal/loader.js')).href;
  const program = `${prelude}
    import(${JSON.stringify(loader)})
      .then(({ loadAddon }) => loadAddon())
      .then(({ path, tried, binding }) => ({ path, tried, exports: Object.keys(binding).length }))
      .catch(({ code, message }) => ({ code, message }))
      .then((outcome) => process.stdout.write(JSON.stringify(outcome)));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program], {
    env: { ...process.env, MULTIPROC_NATIVE_PATH: '', ...env },
    encoding: 'utf8',
    timeout: 200_000,
    killSignal: 'SIGKILL',
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return JSON.parse(stdout) as Outcome;
}

function install(file: string, content?: string): string {
  const path = join(folder, file);
  mkdirSync(join(path, '..'), { recursive: true });
  if (content === undefined) cpSync(addon, path);
  else writeFileSync(path, content);
  return path;
}

test('takes the prebuilt binary of this C library', () => {
  const path = install(`${prebuilds}/multiproc.${libc}.node`);
  install(`${prebuilds}/multiproc.${otherLibc}.node`, 'not for us');
  const outcome = load();
  expect(outcome.path).toBe(path);
  expect(outcome.exports).toBeGreaterThan(0);
});

test('prefers the build of a checkout to a prebuilt binary', () => {
  install(`${prebuilds}/multiproc.${libc}.node`);
  const path = install('build/Release/multiproc.node');
  expect(load()).toMatchObject({ path, tried: [] });
});

test('takes the file that MULTIPROC_NATIVE_PATH names before all others', () => {
  install('build/Release/multiproc.node');
  const path = install('elsewhere/addon.node');
  expect(load({ MULTIPROC_NATIVE_PATH: path })).toMatchObject({ path, tried: [] });
});

test('tries nothing else when MULTIPROC_NATIVE_PATH names no file', () => {
  install('build/Release/multiproc.node');
  const path = join(folder, 'absent.node');
  const { code, message } = load({ MULTIPROC_NATIVE_PATH: path });
  expect(code).toBe('ERR_MULTIPROC_UNSUPPORTED_PLATFORM');
  expect(message).toContain(`tried\n  ${path}: no such file`);
  expect(message).not.toContain('build/Release');
});

test('lists every file with its reason when nothing fits', () => {
  const broken = install(`${prebuilds}/multiproc.${libc}.node`, 'this is not a shared library');
  const foreign = install(`${prebuilds}/multiproc.${otherLibc}.node`);
  const { code, message = '' } = load();
  expect(code).toBe('ERR_MULTIPROC_UNSUPPORTED_PLATFORM');
  const [head, ...lines] = message.split('\n');
  expect(head).toBe(
    `Cannot load multiproc: no binary fits ${process.platform}-${process.arch} with Node ${process.version}; tried`,
  );
  expect(lines).toHaveLength(3);
  expect(lines).toContain(`  ${join(folder, 'build/Release/multiproc.node')}: no such file`);
  expect(lines).toContain(`  ${foreign}: made for ${otherLibc}, this process uses ${libc}`);
  expect(lines.find((line) => line.startsWith(`  ${broken}: `))).toMatch(/file too short|invalid ELF header/);
});

test('says at once that another platform is not supported', () => {
  install('build/Release/multiproc.node');
  const { code, message } = load({}, `Object.defineProperty(process, 'platform', { value: 'darwin' });`);
  expect(code).toBe('ERR_MULTIPROC_UNSUPPORTED_PLATFORM');
  expect(message).toBe(`Cannot load multiproc: it runs on Linux only, this is darwin-${process.arch}`);
});

/** What the documents say that a machine can check. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import * as errors from '../lib/errors.js';
import { startChild } from './support/run-child.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...filesBelow('docs', '.md').filter((file) => !file.startsWith('docs/api/')),
];

function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(suffix))
    .map((file) => join(folder, file));
}

/** `file › title` of every test. */
function titlesOf(file: string): string[] {
  const pattern = file.endsWith('.cc')
    ? /^TEST\((\w+)\)/gm
    : /\b(?:test|it)(?:\.(?:each|for)\([^]*?\)(?=\(\s*['"`]))?\(\s*(?:'((?:[^'\\]|\\.)*)'|"([^"]*)"|`([^`]*)`)/g;
  const name = file.slice(file.lastIndexOf('/') + 1);
  return [...textOf(file).matchAll(pattern)].map(([, ...quoted]) => {
    const title = quoted.find((each: string | undefined) => each !== undefined) ?? '';
    return `${name} › ${title.replaceAll("\\'", "'")}`;
  });
}

test.each([
  ['semantics.md', 50],
  ['from-python.md', 25],
])('every test that docs/%s names exists', (document, least) => {
  const files = [...filesBelow('test', '.test.ts'), ...filesBelow('test/native', '_test.cc')];
  const titles = new Set(files.flatMap(titlesOf));
  const named = [...textOf(`docs/${document}`).matchAll(/`([\w-]+(?:\.test\.ts|_test\.cc) › [^`]+)`/g)].map(
    ([, title]) => title ?? '',
  );
  expect(named.length).toBeGreaterThan(least);
  expect(named.filter((title) => !titles.has(title))).toEqual([]);
});

test('every relative link of the documents leads to a file', () => {
  const broken = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => normalize(join(dirname(document), target ?? '')))
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${document}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every file that docs/architecture.md names in its code map exists', () => {
  const map = textOf('docs/architecture.md').split('## Code map')[1]?.split('\n## ')[0] ?? '';
  const places = [...map.matchAll(/^\| (`[^|]+`) *\|/gm)].flatMap(([, cell]) =>
    [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, place]) => place ?? ''),
  );
  let folder = '';
  const missing = places.filter((place) => {
    if (place.includes('/')) folder = place.endsWith('/') ? place : `${dirname(place)}/`;
    const full = place.includes('/') ? place : folder + place;
    return !['', '.h', '.cc'].some((suffix) => existsSync(join(root, full + suffix))) && !full.includes('*');
  });
  expect(places.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});

test('the table of errors in the README is that of the library', () => {
  const rows = [...textOf('README.md').matchAll(/^\| `(\w+)` +\| `(ERR_MULTIPROC\w*)` +\|/gm)].map(([, name, code]) => [
    name,
    code,
  ]);
  const classes = Object.entries(errors).filter(
    (entry): entry is [string, typeof errors.MultiprocError] =>
      entry[0] !== 'MultiprocError' &&
      typeof entry[1] === 'function' &&
      entry[1].prototype instanceof errors.MultiprocError,
  );
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(classes.map(([name, { code }]) => [name, code])));
});

test.each(['quick-start', 'processes', 'pool', 'manager'])('the README has examples/%s.mjs whole', (name) => {
  expect(textOf('README.md')).toContain(`\`\`\`js\n${textOf(`examples/${name}.mjs`)}\`\`\`\n`);
});

test.each(
  ['quick-start', 'processes', 'pool', 'manager']
    .map((name) => `examples/${name}.mjs`)
    .concat(filesBelow('examples/classes', '.mjs')),
)('%s prints what it says', async (example) => {
  const said = [...textOf(example).matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => `${text}\n`);
  expect(said).toHaveLength(1);
  const { code, signal, stdout, stderr } = await startChild(`../../${example}`).exit;
  expect({ code, signal, stdout, stderr }).toEqual({ code: 0, signal: null, stdout: said.join(''), stderr: '' });
});

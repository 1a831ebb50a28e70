/** The tables of tags and steps in docs/protocol.md. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Step } from '../../lib/internal/codec/steps.js';
import { Tag } from '../../lib/internal/codec/tags.js';

const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

test('every tag of docs/protocol.md is that of the codec', () => {
  const rows = [...text.matchAll(/^\| (\d+) +\| ([A-Z][A-Z0-9_]+) +\|/gm)].map(([, tag, name]) => [name, Number(tag)]);
  expect(Object.fromEntries(rows)).toEqual(Tag);
});

test('every step of docs/protocol.md is that of the codec', () => {
  const rows = [...text.matchAll(/^\| ([A-Z]+) (\d+) +\|/gm)].map(([, name, step]) => [name, Number(step)]);
  expect(Object.fromEntries(rows)).toEqual(Step);
});

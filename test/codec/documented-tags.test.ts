/** The table of tags in docs/protocol.md. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Tag } from '../../lib/internal/codec/tags.js';

test('every tag of docs/protocol.md is that of the codec', () => {
  const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) +\| ([A-Z][A-Z0-9_]+) +\|/gm)].map(([, tag, name]) => [name, Number(tag)]);
  expect(Object.fromEntries(rows)).toEqual(Tag);
});

/** The programs of examples/csp/. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

async function outputOf(name: string, ...args: string[]): Promise<string> {
  const { code, signal, stdout, stderr } = await startChild(`../../examples/csp/${name}.mjs`, { args }).exit;
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return stdout;
}

test('commstime says what a communication takes', async () => {
  expect(await outputOf('commstime', '50')).toMatch(/^[\d.]+ µs per communication\n$/);
});

test('the prime sieve finds primes, and ends', async () => {
  expect(await outputOf('prime-sieve', '10')).toBe('2\n3\n5\n7\n11\n13\n17\n19\n23\n29\n');
});

test('the Mandelbrot farm paints a picture', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-mandelbrot-'));
  const file = join(folder, 'picture.pgm');
  try {
    expect(await outputOf('mandelbrot', file, '70')).toBe(`${file}: 70 × 40\n`);
    const picture = readFileSync(file);
    const head = 'P5 70 40 255\n';
    expect(picture.subarray(0, head.length).toString()).toBe(head);
    const pixels = picture.subarray(head.length);
    expect(pixels).toHaveLength(70 * 40);
    // The origin lies in the set, a corner does not.
    expect(pixels[20 * 70 + 50]).toBe(255);
    expect(pixels[0]).toBeLessThan(3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import { expect, test } from 'vitest';
import { forEver, parseWait } from '../../lib/internal/wait-options.js';

test.each([
  [undefined],
  [null],
  [{}],
  [{ timeout: undefined }],
  [{ timeout: null }],
  [{ timeout: Infinity }],
  [{ signal: null }],
])('%j is for ever', (options) => {
  expect(parseWait(options)).toBe(forEver);
});

test.each([0, -1, -Infinity, 0.5, 1e300])('the timeout %d is taken as it is', (timeout) => {
  expect(parseWait({ timeout })).toEqual({ timeout, signal: undefined });
});

test.each([
  ['NaN', { timeout: Number.NaN }, RangeError],
  ['a text', { timeout: '10' }, TypeError],
  ['a BigInt', { timeout: 10n }, TypeError],
  ['a number instead of options', 10, TypeError],
  ['no signal', { signal: new EventTarget() }, TypeError],
])('%s is refused', (_what, options, errorClass) => {
  expect(() => parseWait(options as never)).toThrow(errorClass);
  expect(() => parseWait(options as never)).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_ARGUMENT' }));
});

test('an aborted signal is refused with its reason', () => {
  const reason = { anything: true };
  let thrown: unknown;
  try {
    parseWait({ signal: AbortSignal.abort(reason) });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBe(reason);
});

import { task } from 'multiproc';
import { expect, test } from 'vitest';

test('task() gives back the function', () => {
  const double = (x: number): number => 2 * x;
  expect(task(import.meta, double)).toBe(double);
  expect(task(import.meta.url, 'twice', (x: number) => 2 * x)(21)).toBe(42);
});

test.each([
  ['no function', () => task(import.meta, 'name', undefined as never)],
  [
    'a function without a name',
    () =>
      task(
        import.meta,
        (
          () => () =>
            undefined
        )(),
      ),
  ],
  ['no module', () => task(undefined as never, 'name', () => undefined)],
])('task() refuses %s', (_what, call) => {
  expect(call).toThrow(TypeError);
});

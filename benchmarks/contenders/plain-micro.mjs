// @ts-check
/** The same operations on a plain typed array and a SharedArrayBuffer: what JavaScript itself costs. */
import { expectResult, microContender } from '../harness/micro.mjs';

const LENGTH = 1024;

microContender({
  'value-read'() {
    const cell = new Int32Array(LENGTH).fill(7);
    return {
      run(count) {
        let sum = 0;
        // A single fixed element would be read once, outside the loop; one of several has to be read every time.
        for (let i = 0; i < count; i++) sum += /** @type {number} */ (cell[i & 7]);
        expectResult(sum, 7 * count);
      },
    };
  },

  'value-add'() {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    return {
      run(count) {
        const before = /** @type {number} */ (cell[0]);
        for (let i = 0; i < count; i++) Atomics.add(cell, 0, 1);
        expectResult(/** @type {number} */ (cell[0] - before) | 0, count | 0);
      },
    };
  },

  'array-read'() {
    const array = new Int32Array(LENGTH).fill(3);
    return {
      run(count) {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += /** @type {number} */ (array[i & (LENGTH - 1)]);
        expectResult(sum, 3 * count);
      },
    };
  },

  'array-write'() {
    const array = new Int32Array(LENGTH);
    return {
      run(count) {
        for (let i = 0; i < count; i++) array[i & (LENGTH - 1)] = i;
        expectResult(array[(count - 1) & (LENGTH - 1)], count - 1);
      },
    };
  },
});

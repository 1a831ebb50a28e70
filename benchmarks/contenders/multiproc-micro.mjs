// @ts-check
/** Single operations of this library's objects. */
import { Lock, Queue, SharedArray, Value } from '../harness/multiproc.mjs';
import { expectResult, microContender } from '../harness/micro.mjs';

const LENGTH = 1024;

microContender({
  lock() {
    const lock = new Lock();
    return {
      run(count) {
        for (let i = 0; i < count; i++) {
          lock.acquireSync();
          lock.release();
        }
        expectResult(lock.locked(), false);
      },
    };
  },

  'value-read'() {
    const value = new Value('i', 7);
    return {
      run(count) {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += value.value;
        expectResult(sum, 7 * count);
      },
    };
  },

  'value-add'() {
    const value = new Value('i', 0);
    return {
      run(count) {
        const before = value.value;
        for (let i = 0; i < count; i++) value.add(1);
        expectResult((value.value - before) | 0, count | 0);
      },
    };
  },

  'array-read'() {
    const array = new SharedArray(
      'i',
      Array.from({ length: LENGTH }, () => 3),
    );
    return {
      run(count) {
        let sum = 0;
        for (let i = 0; i < count; i++) sum += array[i & (LENGTH - 1)];
        expectResult(sum, 3 * count);
      },
    };
  },

  'array-write'() {
    const array = new SharedArray('i', LENGTH);
    return {
      run(count) {
        for (let i = 0; i < count; i++) array[i & (LENGTH - 1)] = i;
        expectResult(array[(count - 1) & (LENGTH - 1)], count - 1);
      },
    };
  },

  'make-lock'() {
    /** @type {any[]} */
    const made = [];
    return {
      most: 1000,
      run(count) {
        for (let i = 0; i < count; i++) made.push(new Lock());
      },
      clean() {
        for (const lock of made) lock.close();
        made.length = 0;
      },
    };
  },

  'make-queue'() {
    return {
      run(count) {
        for (let i = 0; i < count; i++) new Queue().close();
      },
    };
  },
});

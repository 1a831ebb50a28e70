/**
 * The user's callbacks: what they throw must not stop those who call them.
 */

/** Runs a callback; what it throws is an uncaught exception of the program, as with any other callback. */
export function callBack<A extends readonly unknown[]>(callback: ((...args: A) => void) | undefined, ...args: A): void {
  if (callback === undefined) return;
  try {
    callback(...args);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}

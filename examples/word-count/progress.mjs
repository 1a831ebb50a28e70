// @ts-check
// A progress bar, where there is a terminal to show it.

import { SingleBar } from 'cli-progress';

/** Milliseconds between looks at how far the work is. */
const INTERVAL = 100;

/**
 * Shows how far some work is until the function that it gives is called. Without a terminal it does nothing.
 *
 * @param {string} label
 * @param {number} total what `read` gives at the end
 * @param {() => number} read
 * @param {NodeJS.WriteStream} [stream]
 * @returns {() => void}
 */
export function showProgress(label, total, read, stream = process.stderr) {
  if (!stream.isTTY) return () => undefined;
  const bar = new SingleBar({
    stream,
    format: `${label} {bar} {percentage} %`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  const timer = setInterval(() => bar.update(Math.min(read(), total)), INTERVAL);
  const stop = () => {
    clearInterval(timer);
    process.off('exit', stop);
    bar.stop();
  };
  // The bar hides the cursor: it must come back whatever ends the program.
  process.once('exit', stop);
  return stop;
}

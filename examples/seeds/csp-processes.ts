// Communicating sequential processes: two, which sleep at the same time.
import { isMainProcess } from 'multiproc';
import { Parallel, process as csp } from 'multiproc/csp';

/** Blocks, as `time.sleep` does. */
function sleep(seconds: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
}

const P1 = csp(import.meta, function P1() {
  sleep(1);
  console.log('P1 exiting');
});

const P2 = csp(import.meta, function P2() {
  sleep(1);
  console.log('P2 exiting');
});

async function main() {
  await Parallel(P1(), P2());
  console.log('Terminating');
}

if (isMainProcess) await main();

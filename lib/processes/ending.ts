/**
 * What happens when a process that has children ends.
 */
import { StateError } from '../errors.js';
import { now } from '../internal/clock.js';
import { handOver, runExitHooks } from './exit-hooks.js';
import { livingChildren } from './living-children.js';

/** Milliseconds in which daemons may end by themselves before they are killed. */
const GRACE = 1000;

let prepared = false;
let ending = false;

/** From now on, the end of this process is also that of its daemons, and comes after that of its other children. */
export function atEnd(): void {
  if (prepared) return;
  prepared = true;
  handOver();
  process.on('exit', () => {
    runExitHooks('before');
    ending = true;
    const children = livingChildren().filter(({ daemon }) => !daemon);
    // The event loop that would feed them and read from them has ended: what they wait for there would never come.
    for (const child of children) child.closeStreams();
    for (const child of children) child.joinSync(Infinity);
    endDaemons();
    runExitHooks('after');
  });
}

function endDaemons(): void {
  const daemons = livingChildren();
  for (const child of daemons) child.signal('SIGTERM');
  const deadline = now() + GRACE;
  for (const child of daemons) {
    if (child.joinSync(Math.max(deadline - now(), 0)) !== null) continue;
    child.signal('SIGKILL');
    child.joinSync(Infinity);
  }
}

/** @throws StateError (ERR_MULTIPROC_STATE) when nobody would wait for a new child any more. */
export function refuseAtEnd(action: string): void {
  if (ending) throw new StateError(`Cannot ${action}: this process is ending`);
}

/**
 * What happens when a process that has children ends.
 */
import { handOver, runExitHooks } from './exit-hooks.js';
import { livingChildren } from './living-children.js';

/** Milliseconds in which daemons may end by themselves before they are killed. */
const GRACE = 1000;

let prepared = false;

/** From now on, the end of this process is also that of its daemons, and comes after that of its other children. */
export function atEnd(): void {
  if (prepared) return;
  prepared = true;
  handOver();
  process.on('exit', () => {
    runExitHooks('before');
    for (const child of livingChildren().filter(({ daemon }) => !daemon)) child.joinSync(Infinity);
    endDaemons();
    runExitHooks('after');
  });
}

function endDaemons(): void {
  const daemons = livingChildren();
  for (const child of daemons) child.signal('SIGTERM');
  const deadline = performance.now() + GRACE;
  for (const child of daemons) {
    if (child.joinSync(Math.max(deadline - performance.now(), 0)) !== null) continue;
    child.signal('SIGKILL');
    child.joinSync(Infinity);
  }
}

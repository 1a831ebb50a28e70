/**
 * Objects in transit: what a message refers to stays alive until the message has been consumed, so that the sender may
 * close its own object right after sending.
 */
import type { HandleSource } from './codec/shared-objects.js';
import { coreOf } from './handle.js';
import { native } from './native.js';
import type { Core } from './shared-object.js';
import { doBetweenSlices } from './wait.js';

/** The objects that one message refers to, each counted once. */
export class Luggage {
  readonly #sources: readonly HandleSource[];
  readonly #cores: readonly Core[];

  constructor(sources: readonly HandleSource[]) {
    this.#sources = sources;
    this.#cores = sources.map(({ object }) => coreOf(object)).filter((core) => core !== undefined);
    for (const core of this.#cores) core.retain();
  }

  /** The same objects, counted once more: for a message that is sent a second time. */
  again(): Luggage {
    return new Luggage(this.#sources);
  }

  /** The message was consumed, or will never be sent. */
  release(): void {
    for (const core of this.#cores) core.release();
  }
}

interface Pin {
  readonly queue: Core;
  /** Where the message lies in the queue's ring. */
  readonly position: number;
  readonly luggage: Luggage;
}

/** Milliseconds between looks at what has been consumed; a message usually is at once. */
const lookInterval = 100;

let pins: Pin[] = [];
let timer: NodeJS.Timeout | undefined;

/** Keeps the luggage of the message that this thread has just put, and the queue itself, until somebody has consumed it. */
export function pinLastMessage(queue: Core, luggage: Luggage): void {
  releaseConsumed();
  queue.retain();
  pins.push({ queue, position: native.ringLastPosition(queue.ref), luggage });
  // A program that has nothing else to do may end: what it keeps alive for others ends with it anyway.
  timer ??= setInterval(releaseConsumed, lookInterval).unref();
}

// The one at the other end of a pipe may be gone but for what this thread, which waits for it, keeps in transit.
doBetweenSlices(releaseConsumed);

/** Lets go of what has arrived, or cannot arrive any more. */
export function releaseConsumed(): void {
  if (pins.length === 0) return;
  const over = pins.filter((pin) => isConsumed(pin) || isOutOfReach(pin));
  if (over.length === 0) return;
  pins = pins.filter((pin) => !over.includes(pin));
  if (pins.length === 0) {
    clearInterval(timer);
    timer = undefined;
  }
  for (const { queue, luggage } of over) {
    luggage.release();
    queue.release();
  }
}

/** Are there objects in messages of this queue that nobody has received yet? */
export function isAwaited(queue: Core): boolean {
  releaseConsumed();
  return pins.some((pin) => pin.queue === queue);
}

/** A queue that is damaged delivers nothing any more. */
function isConsumed({ queue, position }: Pin): boolean {
  return native.ringConsumed(queue.ref, position) !== 0;
}

/** Nobody but its own messages in transit holds the queue, here or elsewhere: without them it would be gone. */
function isOutOfReach({ queue }: Pin): boolean {
  const own = pins.filter((pin) => pin.queue === queue).length;
  return queue.uses === own && native.stats(queue.ref).participants <= 1;
}

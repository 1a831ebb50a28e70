/**
 * Objects in transit: what a message refers to stays alive until the message has been consumed, so that the sender may
 * close its own object right after sending.
 */
import type { HandleSource } from './codec/shared-objects.js';
import { coreOf } from './handle.js';
import { native } from './native.js';
import type { Core } from './shared-object.js';

/** The objects that one message refers to, each counted once. */
export class Luggage {
  readonly #cores: readonly Core[];

  constructor(sources: readonly HandleSource[]) {
    this.#cores = sources.map(({ object }) => coreOf(object)).filter((core) => core !== undefined);
    for (const core of this.#cores) core.retain();
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

/** Lets go of what has arrived. */
export function releaseConsumed(): void {
  if (pins.length === 0) return;
  const arrived = pins.filter(isConsumed);
  if (arrived.length === 0) return;
  pins = pins.filter((pin) => !arrived.includes(pin));
  if (pins.length === 0) {
    clearInterval(timer);
    timer = undefined;
  }
  for (const { queue, luggage } of arrived) {
    luggage.release();
    queue.release();
  }
}

/** A queue that is damaged or gone delivers nothing any more. */
function isConsumed({ queue, position }: Pin): boolean {
  return native.ringConsumed(queue.ref, position) !== 0;
}

/**
 * FrameQueue: a raw queue whose messages are frames.
 */
import { type Attachment, attachmentOf } from '../internal/shared-object.js';
import { FrameRing } from './frame-ring.js';
import type { MessageDecoder } from './incoming.js';
import type { Queue } from './queue.js';
import type { QueueCore } from './queue-core.js';

/** The frames of a queue. */
export class FrameQueue<T = never> extends FrameRing<T> {
  readonly queue: Queue;

  /** @param decoder needed by those who get. */
  constructor(queue: Queue, decoder?: MessageDecoder<T>) {
    super(queue, attachmentOf(queue) as Attachment<QueueCore>, decoder);
    this.queue = queue;
  }
}

/**
 * What this environment knows about one side of a channel: that somebody here uses it.
 */
import { native, RingEnd } from '../internal/native.js';
import { Attachment, Core, type SharedObject } from '../internal/shared-object.js';
import { closedError } from '../internal/status-error.js';
import { releaseConsumed } from '../internal/transit.js';
import type { ChannelCore } from './channel-core.js';
import type { Waiter } from './channel-line.js';
import { ChannelState } from './offer-table.js';

/** As long as there is an end here, or one in transit from here, the channel counts this environment as a user of that side. */
class EndCore extends Core {
  readonly channel: ChannelCore;
  readonly isWriter: boolean;

  constructor(channel: ChannelCore, isWriter: boolean) {
    super(channel.ref, isWriter ? 'writer' : 'reader', native.address(channel.ref));
    this.channel = channel;
    this.isWriter = isWriter;
    channel.retain();
    native.ringOpenEnd(channel.ref, this.#side, 1);
    // Afterwards: who sees that there were some, and finds nobody, takes them for gone.
    channel.table.addState(isWriter ? ChannelState.hadWriters : ChannelState.hadReaders);
  }

  get #side(): number {
    return this.isWriter ? RingEnd.sending : RingEnd.receiving;
  }

  protected override leave(): void {
    cores.delete(this.handle);
    const { channel } = this;
    native.ringCloseEnd(channel.ref, this.#side);
    // The last one of all has rung the others.
    channel.line.nudge();
    if (!this.isWriter) channel.dropUnwanted();
    channel.release();
  }
}

const cores = new Map<string, EndCore>();

function coreFor(channel: ChannelCore, isWriter: boolean): EndCore {
  const known = cores.get(`multiproc:${isWriter ? 'writer' : 'reader'}:${native.address(channel.ref)}`);
  if (known !== undefined) return known;
  const core = new EndCore(channel, isWriter);
  cores.set(core.handle, core);
  return core;
}

/** Ties one end to its side, and knows what is pending through it. */
export class EndAttachment extends Attachment<EndCore> {
  readonly channel: ChannelCore;
  readonly isWriter: boolean;
  readonly #pending = new Set<Waiter>();
  #failure: (() => Error) | undefined;

  constructor(channel: ChannelCore, isWriter: boolean) {
    super(coreFor(channel, isWriter));
    this.channel = channel;
    this.isWriter = isWriter;
  }

  /** Why it cannot be used any more; `undefined` as long as it is open. */
  get failure(): Error | undefined {
    if (!this.closed) return undefined;
    return this.#failure?.() ?? closedError(this.isWriter ? 'write to channel' : 'read from channel');
  }

  /** Has the wait ended when the end is closed; returns how to take that back. */
  watch(waiter: Waiter): () => void {
    this.#pending.add(waiter);
    return () => {
      this.#pending.delete(waiter);
    };
  }

  /** Closes it, with the reason for later uses. */
  closeBecause(failure: () => Error): void {
    if (this.closed) return;
    this.#failure = failure;
    this.close();
  }

  override close(facade?: SharedObject): void {
    if (this.closed) return;
    this.ref = -1;
    for (const waiter of [...this.#pending]) waiter.interrupt(this.failure);
    this.ref = this.core.ref;
    super.close(facade);
    // What arrived should be gone when the channel is, and not some time later.
    releaseConsumed();
  }
}

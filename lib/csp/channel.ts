/**
 * Channel: what processes communicate over.
 */
import { openQueue, registerQueueClass } from '../channels/queue-facade.js';
import { registerCompositeKind } from '../internal/handle.js';
import { Attachment, describe, Facade, openOrCreate } from '../internal/shared-object.js';
import { ChannelCore } from './channel-core.js';
import { ReadEnd, WriteEnd } from './channel-end.js';
import { attachChannel, channelOf, type ChannelOptions, createChannel } from './open-channel.js';

/**
 * A channel, from any writers to any readers, in any processes. A value goes to one reader.
 *
 * - **Meeting**: without a buffer a write ends when a reader has taken the value. With `buffer: n` so many values wait in the channel; a write waits
 *   only when there are so many. Readers are served in the order in which they came, and so are writers.
 * - **Ends** are what processes use, and what is counted: each call of {@link reader} and {@link writer} makes one, and so does each arrival of one that
 *   was sent. The channel itself only makes ends, and counts for nothing.
 * - **The end of a channel** comes when all readers or all writers have retired, or when somebody poisons it; from then on every use says so, again and
 *   again. Before the first reader (or writer) nobody is missed.
 * - **Death** of a process retires its ends, within 250 ms or at once when its parent sees it. What it was about to write nobody gets; what was
 *   taken for it and not yet received, another reader gets. A process that is stopped is not dead: it keeps its ends.
 *
 * ```js
 * const channel = new Channel();
 * await Parallel(Producer(channel.writer()), Consumer(channel.reader()));
 * ```
 */
export class Channel<T = unknown> extends Facade {
  readonly #at: Attachment<ChannelCore>;

  /**
   * Makes a channel.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError (ERR_MULTIPROC_NO_SPACE).
   */
  constructor(options?: ChannelOptions | null);
  /** @internal */
  constructor(core: ChannelCore);
  constructor(source?: ChannelOptions | ChannelCore | null) {
    const attachment = new Attachment(source instanceof ChannelCore ? source : createChannel(source));
    super(attachment);
    this.#at = attachment;
  }

  /** Opens a named channel. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND); KindError (ERR_MULTIPROC_KIND) for another object. */
  static open<T = unknown>(name: string): Channel<T> {
    return openQueue(Channel, name) as Channel<T>;
  }

  /** Opens a named channel, or makes it when there is none. */
  static openOrCreate<T = unknown>(name: string, options?: Omit<ChannelOptions, 'name'>): Channel<T> {
    return openOrCreate(
      () => Channel.open<T>(name),
      () => new Channel<T>({ ...options, name }),
    );
  }

  /** How many values wait in it before a write does. */
  get buffer(): number {
    return this.#at.core.buffer;
  }

  /** A new end to read from. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  reader(): ReadEnd<T> {
    this.#at.assertOpen('make a reader');
    return new ReadEnd<T>(this.#at.core);
  }

  /** A new end to write to. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  writer(): WriteEnd<T> {
    this.#at.assertOpen('make a writer');
    return new WriteEnd<T>(this.#at.core);
  }

  /** @internal */
  override [describe](): string {
    return `<Channel buffer=${this.buffer}>`;
  }
}

registerCompositeKind('channel', (address) => new Channel(attachChannel(address)));
registerQueueClass('Channel', (opened) => new Channel(channelOf(opened)));

/**
 * Selection: what one thread wants of one or several channels, exactly one of which it shall have.
 */
import type { ChannelCore } from './channel-core.js';
import type { Arrival, Parcel } from './parcel.js';
import { type CommitWord, type Home, WordState } from './offer-table.js';

/** A communication that a selection would take part in. */
export interface Communication {
  readonly channel: ChannelCore;
  /** What it would write; `null`: it would read. */
  readonly parcel: Parcel | null;
}

/** What came of it. */
export interface Outcome {
  /** Index of the communication. */
  readonly chosen: number;
  /** What was read. */
  readonly claim: Arrival | null;
}

/** An offer of the selection that stands, or stood, in a channel. */
interface Posted {
  readonly channel: ChannelCore;
  readonly offer: number;
  readonly generation: number;
  readonly isWriter: boolean;
}

/**
 * As long as nothing was posted, nobody knows of the selection, and it takes what it finds. Afterwards others may take it by its
 * word, so it says `trying` before it takes anything itself.
 */
export class Selection {
  /** It, or somebody whom it saw, was `trying`: one more look at all channels is due. */
  isUnsure = false;
  #crowded: ChannelCore | undefined;
  /** All channels in which it stood in line for room. */
  readonly #crowds = new Set<ChannelCore>();
  /** Is the thread blocked until it is over? */
  readonly isBlocking: boolean;
  readonly #posted = new Map<number, Posted>();
  #word: CommitWord | undefined;
  #home: { readonly channel: ChannelCore; readonly offer: number; readonly base: number } | undefined;
  #isGivenUp = false;

  constructor(isBlocking: boolean) {
    this.isBlocking = isBlocking;
  }

  /** Index of the communication that somebody else has committed it to; -1 while there is none. */
  get chosen(): number {
    return this.#word?.state === WordState.success ? this.#word.guard : -1;
  }

  /** The channel that had no room for an offer or a value of it; `undefined` while there is none. */
  get crowded(): ChannelCore | undefined {
    return this.#crowded;
  }

  /** Tells of room, or of the want of it. */
  setCrowded(channel: ChannelCore | undefined): void {
    this.#crowded = channel;
    if (channel !== undefined) this.#crowds.add(channel);
  }

  hasPosted(index: number): boolean {
    return this.#posted.has(index);
  }

  offerAt(index: number): { readonly offer: number; readonly generation: number } | undefined {
    return this.#posted.get(index);
  }

  isOwn(channel: ChannelCore, offer: number): boolean {
    for (const posted of this.#posted.values()) if (posted.channel === channel && posted.offer === offer) return true;
    return false;
  }

  /** Where a further offer finds the word; `null`: it will be the first one, and have it. */
  get home(): Home | null {
    if (this.#home === undefined) return null;
    const { channel, offer, base } = this.#home;
    return { address: channel.tableAddress, offer, base };
  }

  /** An offer was made. */
  post(index: number, channel: ChannelCore, offer: number, isWriter: boolean): void {
    const { table } = channel;
    if (this.#home === undefined) {
      const base = table.base(offer);
      this.#home = { channel, offer, base };
      this.#word = table.word(offer, base);
    }
    this.#posted.set(index, { channel, offer, generation: table.generation(offer), isWriter });
  }

  /** An offer that was just made could not be completed. */
  unpost(index: number): void {
    this.#posted.delete(index);
    if (this.#posted.size > 0) return;
    this.#home = undefined;
    this.#word = undefined;
  }

  /** Before taking something. False: somebody else has committed it already. */
  begin(): boolean {
    return this.#word === undefined || this.#word.change(WordState.ready, WordState.trying);
  }

  /** What it was about to take was somebody else's. */
  lose(): void {
    if (this.#word === undefined) return;
    this.#word.set(WordState.ready);
    this.isUnsure = true;
  }

  /** It has taken something: its own choice. */
  win(index: number): void {
    this.#word?.set(WordState.success, index);
  }

  /** Ends it without a communication. False: it is committed. */
  giveUp(): boolean {
    this.#isGivenUp ||= this.#word === undefined || this.#word.change(WordState.ready, WordState.failed);
    return this.#isGivenUp;
  }

  /** Has somebody asked it to look again? */
  takePoke(): boolean {
    let poked = false;
    for (const { channel, offer } of this.#posted.values()) {
      if (!channel.table.isPoked(offer)) continue;
      channel.table.clearPoked(offer);
      poked = true;
    }
    return poked;
  }

  /** It is over: its offers go, but for values that are committed. */
  withdraw(): void {
    const chosen = this.chosen;
    for (const channel of this.#crowds) channel.leaveCrowds(this);
    for (const [index, { channel, offer, generation, isWriter }] of this.#posted) {
      // A value that was chosen is its reader's, or everybody's if that one dies.
      if (isWriter && index !== chosen) channel.discard(offer, generation);
      else channel.free(offer, generation);
    }
    this.#posted.clear();
  }
}

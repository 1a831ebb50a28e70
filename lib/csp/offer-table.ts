/**
 * OfferTable: a channel's control block in shared memory. It says how the channel ended, and holds the offers: of readers who wait for a
 * value, and of writers whose value waits in the ring for a reader.
 *
 * An offer's **word** says whether it still stands. It is changed by one compare-and-exchange, whoever does it, so it is taken once. Offers of
 * one selection share the word of the first of them, which may be in the table of another channel. All other fields are changed
 * under the channel's lock, or by the owner when the word does not say `ready`.
 */
import { CorruptSegmentError } from '../errors.js';

/** Offers that may stand in one channel at the same time; who finds no place waits. */
export const OFFERS = 128;
/** Most guards of one selection: the number of one is part of the word. */
export const MOST_GUARDS = 4096;

/** What an offer is. */
export const OfferKind = { none: 0, reader: 1, writer: 2 } as const;

/** What an offer's word says. */
export const WordState = {
  /** Whoever wants it may take it. */
  ready: 1,
  /** Its owner is taking somebody else's at this moment. */
  trying: 2,
  /** Taken; the word says for which guard. */
  success: 3,
  /** Given up. */
  failed: 4,
} as const;

/** Bits of the channel's state; they are never taken back. */
export const ChannelState = {
  hadReaders: 1,
  hadWriters: 2,
  readersGone: 4,
  writersGone: 8,
  /** By a writer: what is buffered can still be read. */
  poisoned: 16,
  /** By a reader: nothing can. */
  poisonedAtOnce: 32,
} as const;

const HEAD = 16;
const STATE = 0;
const TICKET = 1;
const CROWDED = 2;
const HIGH = 3;

const OFFER = 32;
const KIND = 0;
const GENERATION = 1;
const OWNER = 2;
const NONCE = 3;
const ORDER = 4;
const WORD = 5;
const GUARD = 6;
const POKED = 7;
const HOME_OFFER = 8;
const HOME_BASE = 9;
const HOME_LENGTH = 10;
const HOME = 11;
/** Bytes for the address of the table with the word. */
const LONGEST_HOME = (OFFER - HOME) * 4;

/** Numbers of 32 bits that a table takes for a channel with so many participants. */
export function tableLength(participants: number): number {
  return HEAD + participants + OFFERS * OFFER;
}

/** A word wherever it is; `base` tells a later use of the same memory apart. */
export class CommitWord {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #base: number;

  constructor(words: Int32Array, index: number, base: number) {
    this.#words = words;
    this.#index = index;
    this.#base = base;
  }

  /** A {@link WordState}; 0 when the word is another offer's by now. */
  get state(): number {
    const word = Atomics.load(this.#words, this.#index);
    return (word & ~0xffff) === this.#base ? word & 15 : 0;
  }

  /** The guard that it was taken for, once it was. */
  get guard(): number {
    return (Atomics.load(this.#words, this.#index) >> 4) & (MOST_GUARDS - 1);
  }

  /** From one state to another; false if it is in none or another one. */
  change(from: number, to: number, guard = 0): boolean {
    const expected = this.#base | from;
    return Atomics.compareExchange(this.#words, this.#index, expected, this.#base | (guard << 4) | to) === expected;
  }

  /** For whoever took it, or set it to `trying`: nobody else changes it then. */
  set(state: number, guard = 0): void {
    Atomics.store(this.#words, this.#index, this.#base | (guard << 4) | state);
  }
}

/** Where an offer's word is. */
export interface Home {
  /** Address of the other channel's table. */
  readonly address: string;
  readonly offer: number;
  readonly base: number;
}

/** What a new offer says. */
export interface NewOffer {
  readonly kind: number;
  readonly owner: number;
  readonly nonce: number;
  readonly guard: number;
  /** `null`: the word is its own. */
  readonly home: Home | null;
}

/** Reads and writes a table. */
export class OfferTable {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #offers: number;
  readonly #participants: number;

  /** @throws CorruptSegmentError when the memory is not that of a table. */
  constructor(words: Int32Array) {
    this.#participants = words.length - tableLength(0);
    if (this.#participants < 1) throw new CorruptSegmentError('Cannot open Channel: its table is too short');
    this.#words = words;
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#offers = HEAD + this.#participants;
  }

  get state(): number {
    return Atomics.load(this.#words, STATE);
  }

  addState(bits: number): number {
    return Atomics.or(this.#words, STATE, bits) | bits;
  }

  /** Somebody waits for a place. */
  get isCrowded(): boolean {
    return Atomics.load(this.#words, CROWDED) !== 0;
  }

  markCrowded(): void {
    Atomics.store(this.#words, CROWDED, 1);
  }

  /** There is a place again. True if somebody waits for that. */
  clearCrowded(): boolean {
    return Atomics.load(this.#words, CROWDED) !== 0 && Atomics.exchange(this.#words, CROWDED, 0) !== 0;
  }

  /** Tells the participant's life here from those who had its number before. */
  enter(participant: number, nonce: number): void {
    if (participant < this.#participants) Atomics.store(this.#words, HEAD + participant, nonce);
  }

  /** Does the owner's number still mean the owner? */
  isSameOwner(offer: number): boolean {
    const owner = this.owner(offer);
    return (
      owner >= 0 &&
      owner < this.#participants &&
      Atomics.load(this.#words, HEAD + owner) === this.#words[this.#at(offer, NONCE)]
    );
  }

  kind(offer: number): number {
    return Atomics.load(this.#words, this.#at(offer, KIND));
  }

  generation(offer: number): number {
    return Atomics.load(this.#words, this.#at(offer, GENERATION));
  }

  owner(offer: number): number {
    return this.#words[this.#at(offer, OWNER)] as number;
  }

  guard(offer: number): number {
    return this.#words[this.#at(offer, GUARD)] as number;
  }

  /** Offers of a kind, the oldest first. */
  ofKind(kind: number): number[] {
    const found: number[] = [];
    const high = Math.min(Math.max(this.#words[HIGH] as number, 0), OFFERS);
    for (let offer = 0; offer < high; offer += 1) if (this.kind(offer) === kind) found.push(offer);
    // A difference, since tickets go round.
    return found.length < 2 ? found : found.sort((a, b) => (this.#order(a) - this.#order(b)) | 0);
  }

  /** A place for a new offer; -1 if there is none. */
  findFree(): number {
    for (let offer = 0; offer < OFFERS; offer += 1) if (this.kind(offer) === OfferKind.none) return offer;
    return -1;
  }

  /** Makes an offer; its own word says ready. */
  fill(offer: number, { kind, owner, nonce, guard, home }: NewOffer): void {
    const words = this.#words;
    words[this.#at(offer, OWNER)] = owner;
    words[this.#at(offer, NONCE)] = nonce;
    words[this.#at(offer, ORDER)] = Atomics.add(words, TICKET, 1);
    words[this.#at(offer, GUARD)] = guard;
    words[this.#at(offer, POKED)] = 0;
    words[this.#at(offer, HOME_LENGTH)] = 0;
    if (home === null) {
      Atomics.store(words, this.#at(offer, WORD), this.base(offer) | WordState.ready);
    } else {
      const text = Buffer.from(home.address, 'latin1');
      if (text.length > LONGEST_HOME)
        throw new CorruptSegmentError('Cannot select: the address of a channel is too long');
      words[this.#at(offer, HOME_OFFER)] = home.offer;
      words[this.#at(offer, HOME_BASE)] = home.base;
      this.#bytes.set(text, this.#at(offer, HOME) * 4);
      words[this.#at(offer, HOME_LENGTH)] = text.length;
    }
    if ((words[HIGH] as number) <= offer) Atomics.store(words, HIGH, offer + 1);
    // Last: what is not complete is not there.
    Atomics.store(words, this.#at(offer, KIND), kind);
  }

  /** The offer is over; what names it by its generation is another's from now on. */
  free(offer: number): void {
    Atomics.add(this.#words, this.#at(offer, GENERATION), 1);
    Atomics.store(this.#words, this.#at(offer, KIND), OfferKind.none);
  }

  /** What its own word is marked with. */
  base(offer: number): number {
    return (this.generation(offer) & 0x7fff) << 16;
  }

  /** Where the word is, if not here. */
  home(offer: number): Home | null {
    const length = this.#words[this.#at(offer, HOME_LENGTH)] as number;
    if (length === 0) return null;
    const from = this.#at(offer, HOME) * 4;
    const end = from + Math.min(Math.max(length, 0), LONGEST_HOME);
    return {
      address: Buffer.from(this.#bytes.subarray(from, end)).toString('latin1'),
      offer: this.#words[this.#at(offer, HOME_OFFER)] as number,
      base: this.#words[this.#at(offer, HOME_BASE)] as number,
    };
  }

  /** The word of an offer that has it here. */
  word(offer: number, base: number): CommitWord {
    const known = offer >= 0 && offer < OFFERS ? offer : 0;
    return new CommitWord(this.#words, this.#at(known, WORD), base);
  }

  /** Asks the owner to look again. */
  poke(offer: number): void {
    Atomics.store(this.#words, this.#at(offer, POKED), 1);
  }

  isPoked(offer: number): boolean {
    return Atomics.load(this.#words, this.#at(offer, POKED)) !== 0;
  }

  clearPoked(offer: number): void {
    Atomics.store(this.#words, this.#at(offer, POKED), 0);
  }

  #order(offer: number): number {
    return this.#words[this.#at(offer, ORDER)] as number;
  }

  #at(offer: number, field: number): number {
    return this.#offers + offer * OFFER + field;
  }
}

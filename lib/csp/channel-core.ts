/**
 * What this environment knows about one channel.
 *
 * A channel is made of three objects: a ring for values, which also counts who uses its ends and carries the wakes; a table of offers; and a
 * lock. Who meets whom is decided under the lock, in steps of which each leaves something whole: after a death in between the next
 * owner has nothing to repair. In particular a value in the ring that no standing offer claims is anybody's.
 */
import { randomInt } from 'node:crypto';
import type { QueueCore } from '../channels/queue-core.js';
import { PoisonError, RetireError } from '../errors.js';
import { coreOf } from '../internal/handle.js';
import { call, native, RingEnd } from '../internal/native.js';
import { type Attachment, Core } from '../internal/shared-object.js';
import type { SharedArray } from '../memory/array.js';
import type { Lock } from '../sync/lock.js';
import { ChannelLine } from './channel-line.js';
import { Crowds } from './crowds.js';
import { Homes } from './homes.js';
import { ChannelState, type CommitWord, OfferKind, OFFERS, OfferTable, WordState } from './offer-table.js';
import { ANYBODY, Arrival, type Parcel } from './parcel.js';
import { Sections } from './sections.js';
import type { Outcome, Selection } from './selection.js';

/** The objects that a channel is made of. */
export interface ChannelParts {
  readonly ring: Attachment<QueueCore>;
  readonly lock: Lock;
  readonly table: SharedArray<'i'>;
  /** Values that may lie in the channel without a reader. */
  readonly buffer: number;
}

const EVERYBODY = -1;

/** What to do with a parcel that was found. */
type Verdict = 'take' | 'skip' | 'drop' | 'stop';

/** One per channel and environment. */
export class ChannelCore extends Core {
  readonly line: ChannelLine;
  readonly table: OfferTable;
  readonly tableAddress: string;
  readonly buffer: number;
  readonly ring: Attachment<QueueCore>;
  readonly lock: Lock;
  /** How many promises of this thread wait for a section. */
  sectionsAwaited = 0;
  readonly #parts: ChannelParts;
  readonly #sections: Sections;
  readonly #self: number;
  readonly #nonce = randomInt(1, 2 ** 31 - 1);
  readonly #homes = new Homes();
  readonly #crowds = new Crowds();
  /** Values of given-up offers that could not be removed at once. */
  #remains: { readonly offer: number; readonly generation: number }[] = [];

  /** Takes the parts over. */
  constructor(parts: ChannelParts) {
    super(parts.ring.ref, 'channel');
    this.#parts = parts;
    this.ring = parts.ring;
    this.lock = parts.lock;
    this.buffer = parts.buffer;
    this.#sections = new Sections(parts.lock, {
      begun: () => {
        this.#tidy();
      },
      tell: (participant) => {
        this.#tell(participant);
      },
    });
    this.table = new OfferTable(parts.table);
    this.tableAddress = native.address((coreOf(parts.table) as Core).ref);
    this.line = new ChannelLine(parts.ring.ref);
    this.#self = native.ringSelf(parts.ring.ref);
    this.table.enter(this.#self, this.#nonce);
  }

  protected override leave(): void {
    known.delete(this.handle);
    const { ring, lock, table } = this.#parts;
    this.#homes.close();
    ring.close();
    lock.close();
    table.close();
  }

  /** Removes the channel's name. False if it had none. */
  unlink(): boolean {
    return call(() => native.unlink(this.ref));
  }

  // ---- sections ----

  /** Enters a section if the lock is free. */
  tryEnter(): boolean {
    return this.#sections.tryEnter();
  }

  /** Enters a section when this thread was given the lock. */
  enterOwned(): void {
    this.#sections.enterOwned();
  }

  exit(): void {
    this.#sections.exit();
  }

  #tidy(): void {
    this.ring.core.main.lookForDead();
    if (this.#remains.length === 0) return;
    const remains = this.#remains;
    this.#remains = [];
    for (const { offer, generation } of remains) this.#remove(offer, generation);
  }

  // ---- how it ended ----

  /** Bits of {@link ChannelState}, with the ends looked at now. */
  state(): number {
    let { state } = this.table;
    const isUsed = (end: number): boolean => native.ringHasEnd(this.ref, end, -1) !== 0;
    const { hadReaders, hadWriters, readersGone, writersGone } = ChannelState;
    if ((state & (hadReaders | readersGone)) === hadReaders && !isUsed(RingEnd.receiving))
      state = this.table.addState(readersGone);
    if ((state & (hadWriters | writersGone)) === hadWriters && !isUsed(RingEnd.sending))
      state = this.table.addState(writersGone);
    return state;
  }

  /** Why nothing can be read any more, once what is left has been read; or why nothing can be written. */
  failure(isWriter: boolean): Error | undefined {
    const state = this.state();
    const action = isWriter ? 'write' : 'read';
    if ((state & (ChannelState.poisoned | ChannelState.poisonedAtOnce)) !== 0)
      return new PoisonError(`Cannot ${action}: the channel was poisoned`);
    if ((state & ChannelState.readersGone) !== 0)
      return new RetireError(`Cannot ${action}: all readers of the channel have retired`);
    if ((state & ChannelState.writersGone) !== 0)
      return new RetireError(`Cannot ${action}: all writers of the channel have retired`);
    return undefined;
  }

  /** Ends it at once for everybody. */
  poison(isWriter: boolean): void {
    this.table.addState(isWriter ? ChannelState.poisoned : ChannelState.poisonedAtOnce);
    this.tellEverybody();
    this.dropUnwanted();
  }

  /** Lets go of values that nobody can read any more. */
  dropUnwanted(): void {
    if ((this.state() & (ChannelState.poisonedAtOnce | ChannelState.readersGone)) === 0 || !this.tryEnter()) return;
    try {
      this.#walk((claim) => (this.#isAnybodys(claim) ? 'drop' : 'skip'));
    } finally {
      this.exit();
    }
  }

  /** Everybody who waits in the channel looks again. */
  tellEverybody(): void {
    native.ringCall(this.ref, -1);
    this.line.nudge();
  }

  #tell(participant: number): void {
    if (participant === EVERYBODY) this.tellEverybody();
    else if (participant === this.#self) this.line.nudge();
    else native.ringCall(this.ref, participant);
  }

  #tellOwner(offer: number): void {
    this.#sections.tellLater(this.table.owner(offer));
  }

  /** There is room again. */
  #madeRoom(): void {
    if (this.table.clearCrowded()) this.#sections.tellLater(EVERYBODY);
  }

  // ---- offers ----

  #isAlive(offer: number): boolean {
    const { table } = this;
    if (!table.isSameOwner(offer)) return false;
    const owner = table.owner(offer);
    if (owner === this.#self) return true;
    return (
      native.ringHasEnd(this.ref, RingEnd.receiving, owner) === 1 ||
      native.ringHasEnd(this.ref, RingEnd.sending, owner) === 1
    );
  }

  /** The word of an offer; `undefined` if it went with the channel that it was in. */
  #wordOf(offer: number): CommitWord | undefined {
    const home = this.table.home(offer);
    if (home === null) return this.table.word(offer, this.table.base(offer));
    const table = home.address === this.tableAddress ? this.table : this.#homes.find(home.address);
    return table?.word(home.offer, home.base);
  }

  /** Was it taken, and not another one of the same selection? */
  #isCommitted(offer: number): boolean {
    const word = this.#wordOf(offer);
    return word?.state === WordState.success && word.guard === this.table.guard(offer);
  }

  /** A reader or writer that this thread may take, if nobody is faster. */
  #isReady(offer: number): boolean {
    return this.#wordOf(offer)?.state === WordState.ready && this.#isAlive(offer);
  }

  /** Makes an offer. REQUIRES: a section. False when there is no room. */
  post(index: number, parcel: Parcel | null, selection: Selection): boolean {
    const { table } = this;
    const isWriter = parcel !== null;
    if (this.#crowds.mustQueue(selection, isWriter)) return this.#isCrowded(selection, isWriter);
    const free = table.findFree();
    const offer = free >= 0 ? free : this.#reclaim();
    if (offer < 0) return this.#isCrowded(selection, isWriter);
    const kind = parcel === null ? OfferKind.reader : OfferKind.writer;
    table.fill(offer, { kind, owner: this.#self, nonce: this.#nonce, guard: index, home: selection.home });
    selection.post(index, this, offer, parcel !== null);
    if (parcel === null || this.#put(parcel, offer)) {
      this.leaveCrowds(selection);
      return true;
    }
    table.free(offer);
    selection.unpost(index);
    return this.#isCrowded(selection, isWriter);
  }

  #put(parcel: Parcel, offer: number): boolean {
    const generation = offer === ANYBODY ? 0 : this.table.generation(offer);
    return parcel.put(this.ring.core, offer, generation);
  }

  #isCrowded(selection: Selection, isWriter: boolean): false {
    if (!this.#crowds.mustQueue(selection, isWriter)) this.table.markCrowded();
    this.#crowds.join(selection, isWriter);
    selection.setCrowded(this);
    return false;
  }

  /** May there be room now for one who found none? */
  mayHaveRoomFor(selection: Selection): boolean {
    return !this.table.isCrowded && this.#crowds.isNext(selection);
  }

  /** It has found room, or wants none any more. */
  leaveCrowds(selection: Selection): void {
    if (this.#crowds.leave(selection)) this.line.nudge();
  }

  /** A place of somebody who died; -1 if there is none. */
  #reclaim(): number {
    for (let offer = 0; offer < OFFERS; offer += 1) {
      if (this.#isAlive(offer)) continue;
      this.#remove(offer, this.table.generation(offer));
      return offer;
    }
    return -1;
  }

  /** An offer that nobody can take any more, or has no value in the ring. */
  free(offer: number, generation: number): void {
    if (this.table.generation(offer) !== generation) return;
    this.table.free(offer);
    this.#madeRoom();
  }

  /** An offer of a writer that nobody can take any more; its value goes, now or when somebody comes by. */
  discard(offer: number, generation: number): void {
    if (!this.tryEnter()) {
      this.#remains.push({ offer, generation });
      return;
    }
    try {
      this.#remove(offer, generation);
    } finally {
      this.exit();
    }
  }

  /** REQUIRES: a section. */
  #remove(offer: number, generation: number): void {
    if (this.table.generation(offer) !== generation) return;
    if (this.table.kind(offer) === OfferKind.writer)
      this.#walk((claim) => (claim.offer === offer && claim.generation === generation ? 'drop' : 'skip'));
    this.free(offer, generation);
  }

  // ---- values in the ring ----

  /** Looks at the parcels in order; returns the first one to be taken. REQUIRES: a section. */
  #walk(judge: (claim: Arrival) => Verdict): Arrival | undefined {
    const skipped: Arrival[] = [];
    try {
      for (;;) {
        const claim = Arrival.next(this.ring.core);
        if (claim === undefined) return undefined;
        let verdict: Verdict = 'skip';
        try {
          verdict = judge(claim);
        } finally {
          if (verdict === 'drop') claim.drop();
          else if (verdict !== 'take') skipped.push(claim);
        }
        if (verdict === 'take') return claim;
        if (verdict === 'stop') return undefined;
      }
    } finally {
      for (const claim of skipped) claim.giveBack();
    }
  }

  /** The standing offer that a parcel belongs to; -1 if it is anybody's. */
  #offerOf({ offer, generation }: Arrival): number {
    const { table } = this;
    if (offer < 0 || offer >= OFFERS || table.generation(offer) !== generation) return ANYBODY;
    return table.kind(offer) === OfferKind.none ? ANYBODY : offer;
  }

  /** Would no writer and no other reader miss it? */
  #isAnybodys(claim: Arrival): boolean {
    const offer = this.#offerOf(claim);
    if (offer === ANYBODY) return true;
    const isCommitted = this.#isCommitted(offer);
    // A writer's that its reader has not kept; or one for a reader who died.
    if (this.table.kind(offer) === OfferKind.writer) return isCommitted;
    return !isCommitted || !this.#isAlive(offer);
  }

  /** What a reader makes of a parcel; it has taken it when the answer is `take`. */
  #judge(claim: Arrival, index: number, selection: Selection, isPoisoned: boolean): Verdict {
    const offer = this.#offerOf(claim);
    if (this.#isAnybodys(claim)) {
      if (!selection.begin()) return 'stop';
      selection.win(index);
      return 'take';
    }
    if (this.table.kind(offer) === OfferKind.reader || selection.isOwn(this, offer)) return 'skip';
    const word = this.#wordOf(offer);
    const state = word?.state ?? 0;
    if (word === undefined || (state !== WordState.ready && state !== WordState.trying) || !this.#isAlive(offer)) {
      // Given up, or taken elsewhere, or its owner is dead. The offer itself may have the word that its owner has yet to read.
      return 'drop';
    }
    if (state === WordState.trying || isPoisoned) return 'skip';
    if (!selection.begin()) return 'stop';
    if (!word.change(WordState.ready, WordState.success, this.table.guard(offer))) {
      selection.lose();
      return 'skip';
    }
    selection.win(index);
    this.#tellOwner(offer);
    return 'take';
  }

  // ---- meeting ----

  /**
   * Communicates, if somebody is there to communicate with. REQUIRES: a section.
   *
   * @returns `undefined` when there is nobody, or when somebody else has committed the selection.
   * @throws RetireError, PoisonError when there will never be anybody; the selection is given up then.
   */
  attempt(index: number, parcel: Parcel | null, selection: Selection): Outcome | undefined {
    const outcome = parcel === null ? this.#read(index, selection) : this.#write(index, parcel, selection);
    if (outcome !== undefined) return outcome;
    const failure = this.failure(parcel !== null);
    if (failure !== undefined && selection.giveUp()) throw failure;
    return undefined;
  }

  #read(index: number, selection: Selection): Outcome | undefined {
    const state = this.state();
    if ((state & (ChannelState.poisonedAtOnce | ChannelState.readersGone)) !== 0) return undefined;
    const isPoisoned = (state & ChannelState.poisoned) !== 0;
    const claim = this.#walk((found) => this.#judge(found, index, selection, isPoisoned));
    if (claim === undefined) return undefined;
    if (this.buffer > 0) this.#promote();
    this.#madeRoom();
    return { chosen: index, claim };
  }

  #write(index: number, parcel: Parcel, selection: Selection): Outcome | undefined {
    if (this.failure(true) !== undefined) return undefined;
    const isPosted = selection.hasPosted(index);
    if (!isPosted && this.#crowds.mustQueue(selection, true)) {
      this.#isCrowded(selection, true);
      return undefined;
    }
    for (const offer of this.table.ofKind(OfferKind.reader)) {
      if (selection.isOwn(this, offer) || !this.#isReady(offer)) continue;
      if (isPosted) {
        // The value lies there already, and not for this reader: it shall come and take it.
        this.table.poke(offer);
        this.#tellOwner(offer);
      } else if (this.#give(offer, index, parcel, selection)) {
        return { chosen: index, claim: null };
      }
      if (selection.chosen >= 0 || selection.crowded === this) return undefined;
    }
    return this.#hasRoom(selection) ? this.#store(index, parcel, selection) : undefined;
  }

  /** Gives the value to a reader that waits. */
  #give(offer: number, index: number, parcel: Parcel, selection: Selection): boolean {
    const word = this.#wordOf(offer);
    if (word === undefined || !selection.begin()) return false;
    if (!word.change(WordState.ready, WordState.success, this.table.guard(offer))) {
      selection.lose();
      return false;
    }
    // Its reader does not look before this section is over.
    let isPut = false;
    try {
      isPut = this.#put(parcel, offer);
    } finally {
      if (!isPut) {
        word.set(WordState.ready);
        selection.lose();
      }
    }
    if (!isPut) return this.#isCrowded(selection, true);
    selection.win(index);
    this.#tellOwner(offer);
    return true;
  }

  /** Can a value be left in the buffer, without overtaking one that waits for that? */
  #hasRoom(selection: Selection): boolean {
    if (this.buffer === 0) return false;
    const waiting = this.table.ofKind(OfferKind.writer);
    const first = waiting.find((offer) => this.#isReady(offer));
    if (first !== undefined && !selection.isOwn(this, first)) return false;
    return native.ringSize(this.ref) - this.#unbuffered(waiting) < this.buffer;
  }

  /** How many parcels in the ring are not in the buffer, since their writers wait, or they are for readers. */
  #unbuffered(writers: readonly number[]): number {
    const waiting = writers.filter((offer) => !this.#isCommitted(offer));
    const given = this.table.ofKind(OfferKind.reader).filter((offer) => this.#isCommitted(offer));
    return waiting.length + given.length;
  }

  /** Leaves a value in the buffer. */
  #store(index: number, parcel: Parcel, selection: Selection): Outcome | undefined {
    if (!selection.begin()) return undefined;
    let isPut = selection.hasPosted(index);
    try {
      isPut ||= this.#put(parcel, ANYBODY);
    } finally {
      if (isPut) selection.win(index);
      else selection.lose();
    }
    if (isPut) return { chosen: index, claim: null };
    this.#isCrowded(selection, true);
    return undefined;
  }

  /** Lets the next one who waits for room in the buffer go on. */
  #promote(): void {
    const waiting = this.table.ofKind(OfferKind.writer);
    if (waiting.length === 0 || native.ringSize(this.ref) - this.#unbuffered(waiting) >= this.buffer) return;
    for (const offer of waiting) {
      if (!this.#isReady(offer)) continue;
      if (!this.#wordOf(offer)?.change(WordState.ready, WordState.success, this.table.guard(offer))) continue;
      this.#tellOwner(offer);
      return;
    }
  }

  /** The value that a writer has given to an offer of this thread; `undefined` if it died before. REQUIRES: a section. */
  collect(offer: number, generation: number): Arrival | undefined {
    const claim = this.#walk((found) => (found.offer === offer && found.generation === generation ? 'take' : 'skip'));
    if (claim !== undefined) this.#madeRoom();
    return claim;
  }
}

const known = new Map<string, ChannelCore>();

/** The core of the channel with this handle, if this environment has it open. */
export function knownChannel(handle: string): ChannelCore | undefined {
  return known.get(handle);
}

/** Makes the core that others of this environment will find. */
export function keepChannel(core: ChannelCore): ChannelCore {
  known.set(core.handle, core);
  return core;
}

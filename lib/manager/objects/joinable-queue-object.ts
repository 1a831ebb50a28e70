/**
 * Queues in the server that know what is unfinished.
 */
import { NotFoundError, OverReleaseError } from '../../errors.js';
import type { Call } from '../call.js';
import type { Client } from '../client-record.js';
import { NOT_NOW, WaitingRoom } from '../waiting-room.js';
import { letGo } from './let-go.js';
import { type QueuedItem, QueueObject } from './queue-object.js';

interface Claim {
  readonly item: QueuedItem;
  readonly client: Client;
}

/** What `take` tells the proxy. */
export interface TakenItem {
  /** Names it until it is done or given back. */
  readonly claim: number;
  readonly value: unknown;
  readonly attempts: number;
}

/** Counts items until they are done. Those that a client took go back when it ends, before all others. */
export class JoinableQueueObject extends QueueObject {
  static override readonly exposed: readonly string[] = [
    ...QueueObject.exposed,
    'take',
    'done',
    'requeue',
    'taskDone',
    'join',
    'unfinished',
  ];
  #unfinished = 0;
  #claims = 0;
  readonly #claimed = new Map<number, Claim>();
  readonly #joining = new WaitingRoom();

  take(call: Call): TakenItem | Promise<TakenItem> {
    return this.next(call, (item) => {
      this.#claims += 1;
      item.attempts += 1;
      this.#claimed.set(this.#claims, { item, client: call.client });
      return { claim: this.#claims, value: item.value, attempts: item.attempts };
    });
  }

  /** @throws NotFoundError when it is not claimed any more. */
  done(_call: Call, claim: number): void {
    this.#unclaim(claim);
    this.dropped();
  }

  requeue(_call: Call, claim: number): void {
    this.items.unshift(this.#unclaim(claim).item);
    this.serve();
  }

  taskDone(): void {
    // What is claimed is done by its claim.
    if (this.#unfinished <= this.#claimed.size)
      throw new OverReleaseError('Cannot finish a task: taskDone() was called more often than there were items');
    this.dropped();
  }

  join(call: Call): boolean | Promise<boolean> {
    return this.#joining.wait<boolean>(
      call,
      () => this.#unfinished === 0 || NOT_NOW,
      () => false,
    );
  }

  unfinished(): number {
    return this.#unfinished;
  }

  clientEnded(client: Client): void {
    const left = [...this.#claimed].filter(([, claim]) => claim.client === client).reverse();
    for (const [number, { item }] of left) {
      this.#claimed.delete(number);
      this.items.unshift(item);
    }
    this.serve();
  }

  override dispose(): void {
    super.dispose();
    for (const { item } of this.#claimed.values()) letGo(item.value);
  }

  protected override added(): void {
    this.#unfinished += 1;
  }

  protected override dropped(): void {
    this.#unfinished -= 1;
    if (this.#unfinished === 0) this.#joining.serve();
  }

  #unclaim(number: number): Claim {
    const claim = this.#claimed.get(number);
    if (claim === undefined) throw new NotFoundError('Cannot finish the job: it is not claimed any more');
    this.#claimed.delete(number);
    return claim;
  }
}

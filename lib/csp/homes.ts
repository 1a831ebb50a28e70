/**
 * Homes: tables of other channels, in which words of offers are that stand in this one too.
 */
import { attach } from '../internal/handle.js';
import type { SharedArray } from '../memory/array.js';
import { OfferTable } from './offer-table.js';

interface Found {
  readonly array: SharedArray<'i'>;
  readonly table: OfferTable;
}

/** Kept attached, since who selects over some channels once will again. */
export class Homes {
  readonly #found = new Map<string, Found>();

  /** `undefined` when there is no such table any more: nobody waits there. */
  find(address: string): OfferTable | undefined {
    const known = this.#found.get(address);
    if (known !== undefined) return known.table;
    let array: SharedArray<'i'>;
    try {
      array = attach<SharedArray<'i'>>(`multiproc:array:${address}`);
    } catch {
      return undefined;
    }
    const table = new OfferTable(array);
    this.#found.set(address, { array, table });
    return table;
  }

  close(): void {
    for (const { array } of this.#found.values()) array.close();
    this.#found.clear();
  }
}

/**
 * The ends of channels in the arguments of a process, at any depth of arrays, objects, Maps and Sets.
 */
import { ChannelEnd, ReadEnd, WriteEnd } from './channel-end.js';

function isRecord(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/** All of them, each once. */
export function endsIn(value: unknown): ChannelEnd[] {
  const ends = new Set<ChannelEnd>();
  const seen = new Set<unknown>();
  const visit = (part: unknown): void => {
    if (part instanceof ChannelEnd) {
      ends.add(part);
      return;
    }
    if (typeof part !== 'object' || part === null || seen.has(part)) return;
    seen.add(part);
    if (part instanceof Map) {
      for (const [key, item] of part) {
        visit(key);
        visit(item);
      }
    } else if (Array.isArray(part) || part instanceof Set) {
      for (const item of part) visit(item);
    } else if (isRecord(part)) {
      for (const item of Object.values(part)) visit(item);
    }
  };
  visit(value);
  return [...ends];
}

/** A copy with a new end in the place of each; the same one where the same one was. What has no ends in it is not copied. */
export function withNewEnds<T>(value: T): T {
  const copies = new Map<unknown, unknown>();
  const copy = (part: unknown): unknown => {
    const known = copies.get(part);
    if (known !== undefined) return known;
    if (part instanceof ChannelEnd) return remember(part, newEnd(part));
    if (typeof part !== 'object' || part === null || endsIn(part).length === 0) return part;
    if (part instanceof Map) {
      const map = remember(part, new Map<unknown, unknown>());
      for (const [key, item] of part) map.set(copy(key), copy(item));
      return map;
    }
    if (part instanceof Set) {
      const set = remember(part, new Set<unknown>());
      for (const item of part) set.add(copy(item));
      return set;
    }
    if (Array.isArray(part)) {
      const array: unknown[] = remember(part, []);
      for (const item of part) array.push(copy(item));
      return array;
    }
    const record: Record<string, unknown> = remember(part, {});
    for (const [key, item] of Object.entries(part)) record[key] = copy(item);
    return record;
  };
  const remember = <C>(original: unknown, made: C): C => {
    copies.set(original, made);
    return made;
  };
  return copy(value) as T;
}

function newEnd(end: ChannelEnd): ChannelEnd {
  return end instanceof ReadEnd ? new ReadEnd(end.channel) : new WriteEnd(end.channel);
}

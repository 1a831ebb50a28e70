/**
 * Proxies inside what an object kept.
 */
import { BaseProxy } from '../proxies/proxy.js';

/** Closes the proxies in a value that nobody will see again, however deep in arrays, maps, sets and objects: each keeps its object. */
export function letGo(value: unknown, seen = new Set<object>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof BaseProxy) value[Symbol.dispose]();
  else if (value instanceof Map) for (const entry of value) letGo(entry, seen);
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) letGo(item, seen);
  else if (!ArrayBuffer.isView(value)) for (const item of Object.values(value)) letGo(item, seen);
}

/**
 * Memory that users hold views of: it travels as live memory, and its object stays open for as long as a view is reachable.
 */
import { registerMemory } from '../internal/handle.js';
import type { Attachment, SharedObject } from '../internal/shared-object.js';

/**
 * An object that nobody closed lives as long as its memory: a program may keep nothing but a view. As values of a weak
 * map, the facade and the memory that it refers to are collected together.
 */
const facades = new WeakMap<ArrayBuffer, SharedObject>();

/** Registers the memory of a facade. */
export function exposeMemory(buffer: ArrayBuffer, facade: SharedObject, attachment: Attachment): void {
  registerMemory(buffer, attachment.core);
  const known = facades.get(buffer);
  if (known === undefined || known.closed) facades.set(buffer, facade);
}

/**
 * What the engine's format cannot carry is left out of the value; steps, sent along with it, make it anew and put it back
 * in its places, in the order in which the sender met it all. A step is an array that begins with one of these; "number"
 * counts what the steps have made.
 */
export const Step = {
  /** Handle; makes a shared object. */
  HANDLE: 0,
  /** Handle, type, byte offset, length; makes a view of shared memory. */
  VIEW: 1,
  /** ArrayBuffer; makes a Buffer. */
  BUFFER: 2,
  /** Kind, name or `''`, and for a DOMException its message; makes an error without properties. */
  ERROR: 3,
  /** Name of a registered class; makes an instance without properties. */
  INSTANCE: 4,
  /** Name of a registered class, an array whose only element is what its `toData` gave; makes the instance. */
  CUSTOM: 5,
  /** Object or array, key, number: sets a property. */
  PUT: 6,
  /** Empty Map, its keys and values in turn; or empty Set, its items: fills it. */
  COLLECT: 7,
  /** Number, object with its enumerable properties, object with its hidden ones: sets the properties of what was made. */
  FILL: 8,
} as const;

/** Sets a property whatever its name and whatever setters the object inherits. */
export function define(object: object, key: string | number, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true });
}

/** Sets an enumerable property of a plain object or array. */
export function setPart(target: object, key: string | number, value: unknown): void {
  // Defining takes many times as long, and only one name has a setter here.
  if (key === '__proto__') define(target, key, value, true);
  else (target as Record<string | number, unknown>)[key] = value;
}

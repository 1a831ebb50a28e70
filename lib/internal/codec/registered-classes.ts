import { inspect } from 'node:util';

import { argumentTypeError, ExistsError, NotFoundError } from '../../errors.js';
import { loadRest } from '../rest.js';
import { nativeKind } from './native-kinds.js';

/** How instances of a registered class travel. */
export interface ClassConversion<T extends object, D = unknown> {
  /** Turns an instance into what travels: anything that the codec takes, except the instance itself. */
  toData(instance: T): D;
  /** Makes the instance from what arrived. */
  fromData(data: D): T;
}

/** A class as it was registered. */
export interface RegisteredClass {
  readonly name: string;
  readonly prototype: object;
  readonly conversion: ClassConversion<object> | undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any -- only `any[]` accepts every class
type Class<T extends object> = abstract new (...args: any[]) => T;

const byName = new Map<string, RegisteredClass>();
const byPrototype = new WeakMap<object, RegisteredClass>();

/**
 * Lets instances of `Class` keep their class when they travel. Both sides register the class under the same name,
 * usually in the module that defines it. Instances of a class that is not registered arrive as plain objects.
 *
 * Without `conversion`, own enumerable properties travel and the prototype is restored; no constructor runs. A class
 * with private fields, or one that extends a built-in class other than `Error`, needs a conversion.
 * A subclass of a registered class is not registered by that.
 *
 * @param name What the class is called in messages; not empty.
 * @throws TypeError (`ERR_MULTIPROC_ARGUMENT`) for a wrong argument, or when a conversion is needed and missing.
 * @throws ExistsError (`ERR_MULTIPROC_EXISTS`) when another class has that name.
 */
export function registerClass<T extends object, D = unknown>(
  name: string,
  Class: Class<T>,
  conversion?: ClassConversion<T, D>,
): void {
  if (typeof name !== 'string' || name === '') {
    throw argumentTypeError(`Cannot register a class: its name must be a non-empty string, received ${inspect(name)}`);
  }
  if (typeof Class !== 'function' || typeof Class.prototype !== 'object') {
    throw argumentTypeError(`Cannot register class '${name}': a class is needed, received ${typeof Class}`);
  }
  if (
    conversion !== undefined &&
    (typeof conversion.toData !== 'function' || typeof conversion.fromData !== 'function')
  ) {
    throw argumentTypeError(`Cannot register class '${name}': toData and fromData must both be functions`);
  }
  const prototype = Class.prototype as object;
  const native = conversion === undefined ? nativeKind(prototype) : undefined;
  if (native !== undefined) {
    throw argumentTypeError(`Cannot register class '${name}': it extends ${native}, so it needs toData and fromData`);
  }
  const known = byName.get(name);
  if (known !== undefined && known.prototype !== prototype) {
    throw new ExistsError(`Cannot register class '${name}': another class has that name`);
  }
  const registered = { name, prototype, conversion: conversion as ClassConversion<object> | undefined };
  byName.set(name, registered);
  byPrototype.set(prototype, registered);
}

/** The registration of the class that has exactly this prototype. */
export function classOfPrototype(prototype: object): RegisteredClass | undefined {
  return byPrototype.get(prototype);
}

/**
 * The class registered under a name.
 *
 * @throws NotFoundError (`ERR_MULTIPROC_NOT_FOUND`) when the sender registered it and this process did not.
 */
export function registeredClass(name: string): RegisteredClass {
  if (!byName.has(name)) loadRest();
  const registered = byName.get(name);
  if (registered === undefined) {
    throw new NotFoundError(`Cannot decode a message: no class is registered as '${name}' in this process`);
  }
  return registered;
}

import { NotTransferableError } from '../../errors.js';
import { corruptMessage } from './corrupt.js';
import { makeError } from './error-classes.js';
import { registeredClass } from './registered-classes.js';
import { sharedObjects } from './shared-objects.js';
import { define, setPart, Step } from './steps.js';

/** Takes the steps that a {@link Snapshot} wrote. The bytes may be damaged: everything is checked before it is used. */
export function restore(message: unknown): unknown {
  const [root, steps] = list(message);
  const made: unknown[] = [];
  for (const step of list(steps)) takeStep(list(step), made);
  return list(root)[0];
}

function takeStep(step: readonly unknown[], made: unknown[]): void {
  switch (step[0]) {
    case Step.HANDLE:
      made.push(sharedObjects.revive(text(step[1])));
      return;
    case Step.VIEW:
      made.push(
        sharedObjects.revive({
          handle: text(step[1]),
          type: text(step[2]),
          byteOffset: count(step[3]),
          length: count(step[4]),
        }),
      );
      return;
    case Step.BUFFER:
      if (!(step[1] instanceof ArrayBuffer)) throw unfit('an ArrayBuffer');
      made.push(Buffer.from(step[1]));
      return;
    case Step.ERROR:
      made.push(makeError(text(step[1]), text(step[2]), text(step[3])));
      return;
    case Step.INSTANCE:
      made.push(Object.create(registeredClass(text(step[1])).prototype));
      return;
    case Step.CUSTOM:
      made.push(fromData(text(step[1]), list(step[2])[0]));
      return;
    case Step.PUT:
      put(step[1], step[2], pick(made, step[3]));
      return;
    case Step.COLLECT:
      collect(step[1], list(step[2]));
      return;
    case Step.FILL:
      fill(pick(made, step[1]), plain(step[2]), true);
      fill(pick(made, step[1]), plain(step[3]), false);
      return;
    default:
      throw corruptMessage('a step is unknown');
  }
}

function fromData(name: string, data: unknown): unknown {
  const { conversion } = registeredClass(name);
  if (conversion !== undefined) return conversion.fromData(data);
  throw new NotTransferableError(`Cannot decode a message: class '${name}' has no fromData in this process`);
}

function put(target: unknown, key: unknown, value: unknown): void {
  if (typeof key !== 'string' && (typeof key !== 'number' || !Array.isArray(target))) throw unfit('a key');
  if (Array.isArray(target)) {
    if (key === 'length') throw unfit('a key of an array');
    setPart(target, key, value);
  } else {
    setPart(plain(target), key, value);
  }
}

function collect(collection: unknown, parts: readonly unknown[]): void {
  if (collection instanceof Set) {
    for (const part of parts) collection.add(part);
  } else if (collection instanceof Map) {
    for (let index = 0; index < parts.length; index += 2) collection.set(parts[index], parts[index + 1]);
  } else {
    throw unfit('a Map or Set');
  }
}

function fill(target: unknown, properties: object, enumerable: boolean): void {
  if (typeof target !== 'object' || target === null) throw unfit('an error or instance');
  for (const key of Object.keys(properties)) {
    define(target, key, (properties as Record<string, unknown>)[key], enumerable);
  }
}

function pick(made: readonly unknown[], number: unknown): unknown {
  if (count(number) >= made.length) throw unfit('the number of what was made');
  return made[number as number];
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unfit('an array');
  return value;
}

function plain(value: unknown): object {
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) throw unfit('an object');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw unfit('text');
  return value;
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw unfit('a count');
  return value as number;
}

function unfit(expected: string): Error {
  return corruptMessage(`something is in the place of ${expected}`);
}

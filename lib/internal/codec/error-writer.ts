import { errorClassForCode, MultiprocError } from '../../errors.js';
import type { RegisteredClass } from './registered-classes.js';
import { Tag } from './tags.js';
import type { ValueWriter } from './value-writer.js';

const builtIns = new Map<object, string>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError].map(
    (constructor) => [constructor.prototype as object, constructor.name],
  ),
);

// Engines and programs keep these out of the enumerable properties, and all of them matter to who catches the error.
const HIDDEN = ['message', 'stack', 'cause', 'errors', 'code', 'name'];

// DOMException has these as accessors of its prototype, which nothing but its constructor can set.
const DOM_FIELDS = { message: true, name: true } as const;

/** How an error's class is named in a message; see `newError` in error-reader.ts. */
function classText(error: object, registered: RegisteredClass | undefined): string {
  if (registered !== undefined) return `class:${registered.name}`;
  if (error instanceof DOMException) return 'DOMException';
  if (error instanceof MultiprocError && errorClassForCode(error.code) !== undefined) return `code:${error.code}`;
  return nearestBuiltIn(error);
}

function nearestBuiltIn(error: object): string {
  let prototype = Object.getPrototypeOf(error) as object | null;
  while (prototype !== null) {
    const name = builtIns.get(prototype);
    if (name !== undefined) return name;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return 'Error';
}

/** What the error calls itself, or else what its class is called. */
function nameOf(error: object, base: string): string {
  const { name, constructor } = error as { readonly name: unknown; readonly constructor: unknown };
  if (typeof name === 'string' && name !== base) return name;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : base;
}

/**
 * Writes an error: its class, its name when the class does not say it, then `message`, `stack`, `cause`, `errors`,
 * `code` and every own enumerable property.
 */
export function writeError(writer: ValueWriter, error: object, registered: RegisteredClass | undefined): void {
  const kind = classText(error, registered);
  writer.writeTag(Tag.ERROR);
  writer.writeString(kind);
  if (kind === 'DOMException') {
    writer.writeString((error as DOMException).message);
    writer.writeString((error as DOMException).name);
  } else {
    writer.writeString(registered === undefined ? nameOf(error, nearestBuiltIn(error)) : '');
  }
  const enumerable = Object.keys(error);
  const shown = new Set(enumerable);
  const isDom = kind === 'DOMException';
  const hidden = HIDDEN.filter(
    (key) => !shown.has(key) && Object.hasOwn(error, key) && !(isDom && Object.hasOwn(DOM_FIELDS, key)),
  );
  writer.writePairs(error, hidden);
  writer.writePairs(error, enumerable);
}

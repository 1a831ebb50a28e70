/** Which class an error is of: how a message names it, and how the receiver makes an error of it. */
import { errorClassForCode, MultiprocError } from '../../errors.js';
import { corruptMessage } from './corrupt.js';
import { registeredClass, type RegisteredClass } from './registered-classes.js';
import { define } from './steps.js';

const builtIns: Readonly<Record<string, new (message?: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

const nameByPrototype = new Map<object, string>(
  [...Object.values(builtIns), AggregateError].map((constructor) => [
    constructor.prototype as object,
    constructor.name,
  ]),
);

// Engines and programs keep these out of the enumerable properties, and all of them matter to who catches the error.
const HIDDEN = ['message', 'stack', 'cause', 'errors', 'code', 'name'];

/** The kind of an error, as the receiver's `makeError` takes it, and its name where the kind does not say it. */
export function kindAndName(error: object, registered: RegisteredClass | undefined): readonly [string, string] {
  if (registered !== undefined) return [`class:${registered.name}`, ''];
  if (error instanceof DOMException) return ['DOMException', error.name];
  const base = nearestBuiltIn(error);
  const name = nameOf(error, base);
  if (error instanceof MultiprocError && errorClassForCode(error.code) !== undefined)
    return [`code:${error.code}`, name];
  return [base, name];
}

/** The properties of an error that travel though they are not enumerable. */
export function hiddenKeys(error: object): string[] {
  // A DOMException has its message and name from its constructor.
  const keys = error instanceof DOMException ? HIDDEN.filter((key) => key !== 'message' && key !== 'name') : HIDDEN;
  return keys.filter((key) => Object.hasOwn(error, key) && !Object.prototype.propertyIsEnumerable.call(error, key));
}

function nearestBuiltIn(error: object): string {
  return findInherited(error, (prototype) => nameByPrototype.get(prototype)) ?? foreignBuiltIn(error) ?? 'Error';
}

/** Errors of another realm (`node:vm`) have prototypes of their own, which are told by their names. */
function foreignBuiltIn(error: object): string | undefined {
  return findInherited(error, (prototype) => {
    const name: unknown = Object.getOwnPropertyDescriptor(prototype, 'name')?.value;
    return typeof name === 'string' && (Object.hasOwn(builtIns, name) || name === 'AggregateError') ? name : undefined;
  });
}

function findInherited(object: object, find: (prototype: object) => string | undefined): string | undefined {
  let found: string | undefined;
  let prototype = Object.getPrototypeOf(object) as object | null;
  while (prototype !== null && found === undefined) {
    found = find(prototype);
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return found;
}

/** What the error calls itself, or else what its class is called. */
function nameOf(error: object, base: string): string {
  const { name, constructor } = error as { readonly name: unknown; readonly constructor: unknown };
  if (typeof name === 'string' && name !== base) return name;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : base;
}

/** Makes the error of a kind, without any property that the sender's may not have had. */
export function makeError(kind: string, name: string, message: string): Error {
  if (kind === 'DOMException') return new DOMException(message, name);
  const error = withoutStack(() => newError(kind));
  for (const key of ['message', 'stack', 'errors', 'code']) Reflect.deleteProperty(error, key);
  if (name !== '' && error.name !== name) define(error, 'name', name, false);
  return error;
}

// A stack taken here would be thrown away for the sender's, and taking it is most of the cost of an error.
function withoutStack(make: () => Error): Error {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  if (limit?.writable !== true) return make();
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit.value as number;
  }
}

function newError(kind: string): Error {
  if (kind === 'AggregateError') return new AggregateError([]);
  if (kind.startsWith('class:'))
    return Object.setPrototypeOf(new Error(), registeredClass(kind.slice(6)).prototype) as Error;
  const errorClass = kind.startsWith('code:') ? errorClassForCode(kind.slice(5)) : undefined;
  if (errorClass !== undefined) return new errorClass('');
  const builtIn = Object.hasOwn(builtIns, kind) ? builtIns[kind] : undefined;
  if (builtIn === undefined) throw corruptMessage(`it has an error of the unknown kind '${kind}'`);
  return new builtIn();
}

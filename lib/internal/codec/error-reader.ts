import { errorClassForCode, NotFoundError } from '../../errors.js';
import { corruptMessage } from './byte-reader.js';
import { classOfName } from './registered-classes.js';
import type { ValueReader } from './value-reader.js';

const builtIns: Readonly<Record<string, new (message?: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

function define(error: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}

/** Makes the bare error of a class as `classText` in error-writer.ts names it. */
function newError(reader: ValueReader, kind: string): Error {
  if (kind === 'DOMException') {
    const message = reader.readString();
    return new DOMException(message, reader.readString());
  }
  const name = reader.readString();
  const error = bareError(kind);
  if (name !== '' && error.name !== name) define(error, 'name', name, false);
  return error;
}

// A stack taken here would be thrown away for the sender's, and taking it is most of the cost of an error.
function bareError(kind: string): Error {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  if (limit?.writable !== true) return makeError(kind);
  Error.stackTraceLimit = 0;
  try {
    return makeError(kind);
  } finally {
    Error.stackTraceLimit = limit.value as number;
  }
}

function makeError(kind: string): Error {
  if (kind === 'AggregateError') return new AggregateError([]);
  if (kind.startsWith('code:')) {
    const errorClass = errorClassForCode(kind.slice(5));
    if (errorClass !== undefined) return new errorClass('');
  } else if (kind.startsWith('class:')) {
    const registered = classOfName(kind.slice(6));
    if (registered === undefined) throw unknownClass(kind.slice(6));
    return Object.setPrototypeOf(new Error(), registered.prototype) as Error;
  } else if (Object.hasOwn(builtIns, kind)) {
    return new (builtIns[kind] as new () => Error)();
  }
  throw corruptMessage(`it has an error of the unknown kind '${kind}'`);
}

/** The error for an instance of a class that the sender registered and this process did not. */
export function unknownClass(name: string): NotFoundError {
  return new NotFoundError(`Cannot decode a message: no class is registered as '${name}' in this process`);
}

/** Reads an error. Properties that the sender's did not have, such as an empty `message`, are removed. */
export function readError(reader: ValueReader): Error {
  const error = newError(reader, reader.readString());
  const isDom = error instanceof DOMException;
  if (!isDom) for (const key of ['message', 'stack', 'errors', 'code']) Reflect.deleteProperty(error, key);
  reader.addObject(error);
  for (const enumerable of [false, true]) {
    for (let count = reader.readCount(2); count > 0; count--) {
      const key = reader.readString();
      define(error, key, reader.readValue(), enumerable);
    }
  }
  return error;
}

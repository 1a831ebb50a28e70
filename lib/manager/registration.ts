/**
 * Kinds of objects that a program adds to a manager.
 */
import { inspect } from 'node:util';
import { argumentTypeError, ExistsError } from '../errors.js';
import { addressToSend, loadTask, type TaskReference } from '../internal/task-reference.js';
import { builtInKind, type Kind } from './kinds.js';
import { CustomObject } from './objects/custom-object.js';

/** How a kind is made and used. */
export interface Registration {
  /** A task that makes the object, in the manager's process. Absent: others, who are connected, have registered it. */
  readonly factory?: ((...args: never[]) => unknown) | TaskReference | undefined;
  /** Names of the methods that clients may call; default: all whose names do not begin with `_`. */
  readonly exposed?: readonly string[] | undefined;
  /** Methods whose results stay in the manager: the name of the kind that each of them is then. */
  readonly methodToTypeid?: Readonly<Record<string, string>> | undefined;
}

/** As it goes to the server. */
export interface RegisteredKind {
  readonly factory: TaskReference;
  readonly exposed: readonly string[] | null;
  readonly methodToTypeid: Readonly<Record<string, string>>;
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT), ExistsError, NotTransferableError, NotFoundError. */
export function parseRegistration(id: unknown, registration: Registration = {}): RegisteredKind | null {
  if (typeof id !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(id))
    throw argumentTypeError(`Cannot register: the kind's name must be a word, received ${inspect(id)}`);
  if (builtInKind(id) !== undefined) throw new ExistsError(`Cannot register '${id}': every manager has that kind`);
  const { factory, exposed, methodToTypeid = {} } = registration;
  if (exposed !== undefined && !(Array.isArray(exposed) && exposed.every((name) => typeof name === 'string')))
    throw argumentTypeError(`Cannot register '${id}': exposed must be an array of names, received ${inspect(exposed)}`);
  if (factory === undefined) return null;
  return {
    factory: addressToSend(factory, `register '${id}'`),
    exposed: exposed ?? null,
    methodToTypeid: { ...methodToTypeid },
  };
}

/** A kind that the server has loaded. */
export interface LoadedKind {
  readonly kind: Kind;
  readonly methodToTypeid: Readonly<Record<string, string>>;
}

/** In the server. @throws what importing the factory's module throws. */
export async function loadKind({ factory, exposed, methodToTypeid }: RegisteredKind): Promise<LoadedKind> {
  const make = await loadTask(factory);
  const names = new Set(exposed ?? []);
  const isExposed =
    exposed === null ? (name: string): boolean => !name.startsWith('_') : (name: string): boolean => names.has(name);
  return {
    methodToTypeid,
    kind: {
      exposed: { has: isExposed } as ReadonlySet<string>,
      make: (args) => CustomObject.made(make(...(args as never[]))),
    },
  };
}

/**
 * Who this process is in the tree of processes, as its parent told it.
 */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { builtin } from '../internal/builtin.js';
import { CHILD_MARK, IDENTITY } from './child-mark.js';

/**
 * False in processes (and threads) that a `Process` or `Pool` has started. A program that starts processes at the top
 * level of its main module does so under `if (isMainProcess)`: children may have to import that module too.
 */
export const isMainProcess = getEnvironmentData(CHILD_MARK) !== true;

/** What a process tells the ones that it starts about themselves. */
export interface Identity {
  readonly name: string;
  /** Numbers of the ancestors and its own, each counted by its parent: what stands in `Process-1:2`. */
  readonly path: readonly number[];
  readonly daemon: boolean;
  readonly authkey: Uint8Array;
  readonly parent: { readonly pid: number; readonly name: string } | null;
}

// A thread is of its process: what the main thread was told it tells them.
const inherited = isMainThread ? undefined : (getEnvironmentData(IDENTITY) as Identity | undefined);
let identity: Identity = inherited ?? {
  name: 'MainProcess',
  path: [],
  daemon: false,
  authkey: new Uint8Array(0),
  parent: null,
};
let key = inherited === undefined ? undefined : Buffer.from(inherited.authkey);
let children = 0;

/** This process. */
export function ownIdentity(): Identity {
  return identity;
}

/** @internal What the parent said. */
export function assumeIdentity(given: Identity): void {
  identity = given;
  key = Buffer.from(given.authkey);
  setEnvironmentData(IDENTITY, given);
}

/** The secret that connections to managers are checked with; made when it is first asked for, inherited by children. */
export function ownAuthkey(): Buffer {
  return (key ??= builtin.crypto.randomBytes(32));
}

/** From now on this is the secret, also of children that are made. */
export function assumeAuthkey(given: Uint8Array): void {
  key = Buffer.from(given);
}

/** The path of the next child. */
export function nextPath(): readonly number[] {
  children += 1;
  return [...identity.path, children];
}

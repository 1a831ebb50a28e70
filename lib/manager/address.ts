/**
 * Where a listener listens: a port of a network, or a path.
 */
import { lstatSync, mkdtempSync, rmdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../errors.js';
import { checkInteger } from '../internal/shared-object.js';

/** `{ host, port }` for TCP, or the path of a Unix socket. */
export type Address = string | { readonly host: string; readonly port: number };

/** Python's names of the kinds of addresses: TCP and Unix. */
export type AddressFamily = 'AF_INET' | 'AF_UNIX';

const FAMILIES: readonly unknown[] = ['AF_INET', 'AF_UNIX'];

/** What the kernel has room for, with the zero at the end. */
const LONGEST_PATH = 107;

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function checkAddress(address: unknown, action: string): Address {
  if (typeof address === 'string') {
    const length = Buffer.byteLength(address);
    if (length === 0 || length > LONGEST_PATH || address.includes('\0'))
      throw argumentRangeError(
        `Cannot ${action}: a path has 1 to ${LONGEST_PATH} bytes and no zeros, received ${inspect(address)}`,
      );
    return address;
  }
  if (typeof address !== 'object' || address === null || !('host' in address) || !('port' in address))
    throw argumentTypeError(`Cannot ${action}: an address is { host, port } or a path, received ${inspect(address)}`);
  const { host, port } = address;
  if (typeof host !== 'string' || host === '')
    throw argumentTypeError(`Cannot ${action}: host must be a text, received ${inspect(host)}`);
  return { host, port: checkInteger(port, 0, 65_535, 'port', action) };
}

/** The address to listen at: what is given, or any that is free. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function addressToListenAt(given: unknown, family: unknown): Address {
  if (family !== undefined && family !== null && !FAMILIES.includes(family))
    throw argumentRangeError(`Cannot listen: family must be 'AF_INET' or 'AF_UNIX', received ${inspect(family)}`);
  if (given === undefined || given === null)
    return family === 'AF_INET' ? { host: '127.0.0.1', port: 0 } : temporaryPath();
  const address = checkAddress(given, 'listen');
  const own = typeof address === 'string' ? 'AF_UNIX' : 'AF_INET';
  if (family !== undefined && family !== null && family !== own)
    throw argumentRangeError(`Cannot listen: the address ${inspect(address)} is not of family ${inspect(family)}`);
  return address;
}

const FOLDER = 'multiproc-listener-';
const NAME = 'listener';

/** A path in a folder of its own, which only this user may enter. */
function temporaryPath(): string {
  return join(mkdtempSync(join(tmpdir(), FOLDER)), NAME);
}

/** Removes the folder of a path that was made here; the socket in it has gone. */
export function removeTemporary(path: string): void {
  const folder = dirname(path);
  if (!folder.startsWith(join(tmpdir(), FOLDER))) return;
  try {
    if (lstatSync(folder).isDirectory()) rmdirSync(folder);
  } catch {
    // It has gone, or somebody has put something else into it.
  }
}

/** What the system says about a bound or connected socket, as an address. */
export function addressOf(info: AddressInfo | string): Address {
  return typeof info === 'string' ? info : { host: info.address, port: info.port };
}

/** For messages. */
export function addressText(address: Address | null): string {
  if (address === null) return 'somebody';
  return typeof address === 'string' ? address : `${address.host}:${address.port}`;
}

/**
 * Client: connects to a listener.
 */
import type { Socket } from 'node:net';
import { argumentRangeError, EOFError, TimeoutError } from '../errors.js';
import { ignoreAbort, listenToAbort } from '../internal/abort-listeners.js';
import { builtin } from '../internal/builtin.js';
import { now } from '../internal/clock.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import { type Address, addressText, checkAddress } from './address.js';
import { checkAuthkey } from './authentication.js';
import { type ConnectionOptions, checkConnectionOptions } from './connection-options.js';
import { introduce, limit } from './handshake.js';
import { KEEP_ALIVE } from './listener.js';
import { networkError } from './network-error.js';
import { SocketConnection } from './socket-connection.js';

/** Options of {@link Client}. `timeout` and `signal` are for all of it: connecting, and both proofs. */
export interface ClientOptions extends ConnectionOptions, WaitOptions {}

/**
 * Connects to a {@link Listener}. Both sides prove that they know the key.
 *
 * ```js
 * const connection = await Client({ host: 'build-2', port: 6000 }, { authkey, timeout: 5_000 });
 * ```
 *
 * @param address where it listens.
 * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when nobody listens there; AuthenticationError (ERR_MULTIPROC_AUTHENTICATION) when one side does not know the other's key, or it is no
 *   listener of this library; VersionError; EOFError (ERR_MULTIPROC_EOF) when it closes the connection; TimeoutError (ERR_MULTIPROC_TIMEOUT); PermissionError, SystemError; TypeError, RangeError
 *   (ERR_MULTIPROC_ARGUMENT); `signal.reason`.
 */
export async function Client<Receives = unknown, Sends = Receives>(
  address: Address,
  options?: ClientOptions | null,
): Promise<SocketConnection<Receives, Sends>> {
  const where = checkAddress(address, 'connect');
  if (typeof where === 'object' && where.port === 0) throw argumentRangeError("Cannot connect: port 0 is nobody's");
  const { maxMessage, handshakeTimeout } = checkConnectionOptions(options, 'connect');
  const key = checkAuthkey(options?.authkey, 'connect');
  const { timeout, signal } = parseWait(options);
  const deadline = now() + timeout;
  const socket = builtin.net.connect(typeof where === 'string' ? { path: where } : { ...where });
  // Every wait below ends with the socket.
  const abort = (): void => {
    socket.destroy(new Aborted());
  };
  listenToAbort(signal, abort);
  socket.on('error', () => undefined);
  let unlimit = limitConnecting(socket, timeout);
  try {
    await connected(socket);
    unlimit();
    unlimit = limit(
      socket,
      Math.min(Math.max(deadline - now(), 0), handshakeTimeout),
      `connect to ${addressText(where)}`,
    );
    await introduce(socket, key);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE);
    return new SocketConnection<Receives, Sends>(socket, maxMessage, where);
  } catch (error) {
    socket.destroy();
    if (error instanceof Aborted) throw signal?.reason;
    throw networkError(error as Error, `connect to ${addressText(where)}`);
  } finally {
    unlimit();
    ignoreAbort(signal, abort);
  }
}

class Aborted extends Error {}

/** Longest delay that Node's timers take; the system gives up connecting long before. */
const LONGEST_TIMER = 2 ** 31 - 1;

function limitConnecting(socket: Socket, timeout: number): () => void {
  const timer = setTimeout(
    () => {
      socket.destroy(new TimeoutError('Cannot connect: the time was over'));
    },
    Math.min(Math.max(timeout, 0), LONGEST_TIMER),
  );
  return () => {
    clearTimeout(timer);
  };
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('close', () => {
      reject(socket.errored ?? new EOFError('Cannot connect: the connection was closed'));
    });
  });
}

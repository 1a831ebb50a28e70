/**
 * The first bytes of a connection, before which nothing else is read or said. Messages of fixed length, so a stranger cannot make anything grow:
 *
 *     listener → client   magic (12), challenge (32)
 *     client → listener   challenge (32), proof (32)
 *     listener → client   1 and proof (32), or 0 and 32 zeros
 */
import type { Socket } from 'node:net';
import { AuthenticationError, EOFError, TimeoutError, VersionError } from '../errors.js';
import { isProof, newNonce, NONCE, PROOF, proofOf } from './authentication.js';

const MAGIC = Buffer.from('multiproc/1\n', 'latin1');
/** What any version begins with. */
const NAME = MAGIC.subarray(0, MAGIC.indexOf('/') + 1);

const WELCOME = 1;
const REFUSED = 0;

/** The listener's side. @throws AuthenticationError, EOFError, TimeoutError. */
export async function admit(socket: Socket, key: Uint8Array): Promise<void> {
  const listener = newNonce();
  socket.write(Buffer.concat([MAGIC, listener]));
  const answer = await readExactly(socket, NONCE + PROOF);
  const challenges = { listener, client: answer.subarray(0, NONCE) };
  if (!isProof(answer.subarray(NONCE), key, 'client', challenges)) {
    socket.end(Buffer.alloc(1 + PROOF, REFUSED));
    throw new AuthenticationError('Cannot accept a connection: the client does not know the key');
  }
  socket.write(Buffer.concat([Uint8Array.of(WELCOME), proofOf(key, 'listener', challenges)]));
}

/** The client's side. @throws AuthenticationError, VersionError, EOFError, TimeoutError. */
export async function introduce(socket: Socket, key: Uint8Array): Promise<void> {
  const greeting = await readExactly(socket, MAGIC.length + NONCE);
  checkMagic(greeting.subarray(0, MAGIC.length));
  const challenges = { listener: greeting.subarray(MAGIC.length), client: newNonce() };
  socket.write(Buffer.concat([challenges.client, proofOf(key, 'client', challenges)]));
  const verdict = await readExactly(socket, 1 + PROOF);
  if (verdict[0] !== WELCOME) throw new AuthenticationError('Cannot connect: the listener has another key');
  if (!isProof(verdict.subarray(1), key, 'listener', challenges))
    throw new AuthenticationError('Cannot connect: what listens there does not know the key');
}

function checkMagic(magic: Buffer): void {
  if (magic.equals(MAGIC)) return;
  if (magic.subarray(0, NAME.length).equals(NAME))
    throw new VersionError('Cannot connect: the listener belongs to a version of the library that says other things');
  throw new AuthenticationError('Cannot connect: what listens there is no listener of this library');
}

/** Ends the connection when the time is over. @returns what takes that back. */
export function limit(socket: Socket, timeout: number, action: string): () => void {
  const timer = setTimeout(() => {
    socket.destroy(new TimeoutError(`Cannot ${action}: the other side did not prove in time that it knows the key`));
  }, timeout);
  return () => {
    clearTimeout(timer);
  };
}

/** Takes so many bytes, and leaves what comes after them where it is. */
function readExactly(socket: Socket, count: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes?.length === count) {
        leave();
        resolve(bytes);
      } else if (bytes !== null || socket.readableEnded || socket.destroyed) {
        leave();
        reject(socket.errored ?? new EOFError('Cannot connect: the other side has closed the connection'));
      }
    };
    const leave = (): void => {
      for (const event of EVENTS) socket.off(event, look);
    };
    for (const event of EVENTS) socket.on(event, look);
    look();
  });
}

const EVENTS = ['readable', 'end', 'close'];

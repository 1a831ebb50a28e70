/**
 * Both ends of a socket connection, and strangers that speak for themselves.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type Address,
  Client,
  type ClientOptions,
  currentProcess,
  Listener,
  type ListenerOptions,
  type SocketConnection,
} from 'multiproc';

/** What a test uses, closed at its end. */
export interface Ends {
  readonly listener: Listener;
  readonly here: SocketConnection;
  readonly there: SocketConnection;
}

/** Runs `body` with a listener of 127.0.0.1. */
export async function withListener(
  body: (listener: Listener) => Promise<void>,
  options: ListenerOptions = { family: 'AF_INET' },
): Promise<void> {
  const listener = await new Listener(options).listening();
  try {
    await body(listener);
  } finally {
    listener.close();
  }
}

/** Runs `body` with both ends of a connection. */
export async function withConnection(
  body: (ends: Ends) => Promise<void>,
  listenerOptions?: ListenerOptions,
  clientOptions?: ClientOptions,
): Promise<void> {
  await withListener(async (listener) => {
    const [there, here] = await Promise.all([listener.accept(), Client(listener.address, clientOptions)]);
    try {
      await body({ listener, here, there });
    } finally {
      here.close();
      there.close();
    }
  }, listenerOptions);
}

/** A socket to the address that knows nothing of the library. */
export async function stranger(address: Address): Promise<Socket> {
  const socket = connect(typeof address === 'string' ? { path: address } : { ...address });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A socket that has shown that it knows the key, by what the documents say about it, and now says what it likes. */
export async function insider(address: Address): Promise<Socket> {
  const socket = await stranger(address);
  const greeting = await exactly(socket, 44);
  const own = randomBytes(32);
  socket.write(Buffer.concat([own, proof('client', greeting.subarray(12), own)]));
  const verdict = await exactly(socket, 33);
  if (verdict[0] !== 1 || !verdict.subarray(1).equals(proof('listener', greeting.subarray(12), own)))
    throw new Error('The listener does not follow the protocol');
  return socket;
}

/** The next so many bytes. */
export async function exactly(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(count) as Buffer | null;
    if (bytes !== null) return bytes;
    await once(socket, 'readable');
  }
}

function proof(role: string, listener: Buffer, client: Buffer): Buffer {
  return createHmac('sha256', currentProcess().authkey)
    .update(`multiproc connection 1 ${role}\0`)
    .update(listener)
    .update(client)
    .digest();
}

/** A message as it is on the wire. */
export function frame(body: Uint8Array, kind = 0, length = body.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

/**
 * What clients and the server of a manager say to each other: a head of numbers and a name, and a value. Whatever becomes of the value, both know
 * which call it belongs to.
 */
import { decoded, type MessageDecoder } from '../channels/incoming.js';
import type { Frame } from '../channels/outgoing.js';

/** The number of the manager itself among its objects. */
export const MANAGER = 0;

/** What a client asks for. */
export interface Request {
  /** Numbers the client's calls, from 1; 0: no answer is wanted. */
  readonly call: number;
  /** Number of the object. */
  readonly object: number;
  /** The method; empty: the call of this number is called off. */
  readonly method: string;
  /** Milliseconds that the call may wait. */
  readonly timeout: number;
  /** Gives the arguments. @throws what decoding them threw. */
  readonly args: () => readonly unknown[];
}

/** What became of a call. */
export interface Reply {
  readonly call: number;
  readonly failed: boolean;
  /** Gives the value or the error. @throws what decoding it threw. */
  readonly value: () => unknown;
}

/** Layout of a request's head: call, object (4 bytes each), timeout (8), length of the method's name (1), name. */
const OBJECT = 4;
const TIMEOUT = 8;
const NAME_LENGTH = 16;
const NAME = 17;
/** Longest name of a method, in bytes. */
export const LONGEST_NAME = 255;

const heads = new Map<string, Buffer>();
/** Programs have so many methods; what is made of texts that come in is not kept beyond. */
const MOST_HEADS = 1000;

function headFor(method: string): Buffer {
  const known = heads.get(method);
  if (known !== undefined) return known;
  const name = Buffer.from(method);
  const head = Buffer.alloc(NAME + name.length);
  head[NAME_LENGTH] = name.length;
  name.copy(head, NAME);
  if (heads.size < MOST_HEADS) heads.set(method, head);
  return head;
}

/** A request on its way. Its head is written when the arguments have been encoded: that may run code that makes another call. */
export class RequestFrame implements Frame {
  readonly payload: readonly unknown[];
  readonly #call: number;
  readonly #object: number;
  readonly #method: string;
  readonly #timeout: number;

  constructor(call: number, object: number, method: string, args: readonly unknown[], timeout: number) {
    this.#call = call;
    this.#object = object;
    this.#method = method;
    this.payload = args;
    this.#timeout = timeout;
  }

  get head(): Uint8Array {
    const head = headFor(this.#method);
    head.writeUInt32LE(this.#call, 0);
    head.writeUInt32LE(this.#object, OBJECT);
    head.writeDoubleLE(this.#timeout, TIMEOUT);
    return head;
  }
}

const names = new Map<string, string>();

function nameIn(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = bytes.toString('utf8', start, end);
  if (names.size < MOST_HEADS) names.set(text, name);
  return name;
}

/** Makes requests of frames. @throws RangeError for bytes that are too few to be one. */
export const requestDecoder: MessageDecoder<Request> = {
  decode(bytes, start, end, owned) {
    const payloadAt = start + NAME + (bytes[start + NAME_LENGTH] ?? 0);
    if (payloadAt > end) throw new RangeError('a request is cut off');
    const args = decoded(bytes, payloadAt, end, owned);
    return {
      call: bytes.readUInt32LE(start),
      object: bytes.readUInt32LE(start + OBJECT),
      method: nameIn(bytes, start + NAME, payloadAt),
      timeout: bytes.readDoubleLE(start + TIMEOUT),
      args: () => {
        const list = args();
        if (!Array.isArray(list)) throw new RangeError('the arguments of a request are no list');
        return list as unknown[];
      },
    };
  },
};

/** Layout of a reply's head: call (4 bytes), whether it failed (1). */
const FAILED = 4;
const REPLY_HEAD = 5;

const replyHead = Buffer.alloc(REPLY_HEAD);

/** A reply on its way. */
export class ReplyFrame implements Frame {
  readonly payload: unknown;
  readonly #call: number;
  readonly #failed: boolean;

  constructor(call: number, failed: boolean, value: unknown) {
    this.#call = call;
    this.#failed = failed;
    this.payload = value;
  }

  get head(): Uint8Array {
    replyHead.writeUInt32LE(this.#call, 0);
    replyHead[FAILED] = this.#failed ? 1 : 0;
    return replyHead;
  }
}

/** Makes replies of frames. @throws RangeError for bytes that are too few to be one. */
export const replyDecoder: MessageDecoder<Reply> = {
  decode(bytes, start, end, owned) {
    if (end - start < REPLY_HEAD) throw new RangeError('a reply is cut off');
    return {
      call: bytes.readUInt32LE(start),
      failed: bytes[start + FAILED] === 1,
      value: decoded(bytes, start + REPLY_HEAD, end, owned),
    };
  },
};

// @ts-check
/** Length-prefixed frames on a byte stream. */

const HEADER = 4;

/** @param {Buffer} body */
export function frame(body) {
  const framed = Buffer.allocUnsafe(HEADER + body.length);
  framed.writeUInt32LE(body.length, 0);
  body.copy(framed, HEADER);
  return framed;
}

/** Cuts a byte stream into frames; a frame that comes in pieces is collected without copying it again and again. */
export class FrameReader {
  #onFrame;
  /** @type {Buffer[]} */
  #pieces = [];
  #held = 0;
  #wanted = HEADER;

  /** @param {(body: Buffer) => void} onFrame */
  constructor(onFrame) {
    this.#onFrame = onFrame;
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    this.#pieces.push(chunk);
    this.#held += chunk.length;
    if (this.#held < this.#wanted) return;
    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#held);
    let at = 0;
    for (;;) {
      if (bytes.length - at < HEADER) {
        this.#wanted = HEADER;
        break;
      }
      const length = bytes.readUInt32LE(at);
      if (bytes.length - at < HEADER + length) {
        this.#wanted = HEADER + length;
        break;
      }
      this.#onFrame(bytes.subarray(at + HEADER, at + HEADER + length));
      at += HEADER + length;
    }
    this.#pieces = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#held = bytes.length - at;
  }
}

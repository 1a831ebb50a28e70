// @ts-check
// Which bytes of UTF-8 text are letters.

/** For each byte: an ASCII letter in lower case, 0 for everything else. */
export const FOLDED = new Uint8Array(256);
for (let letter = 0x61; letter <= 0x7a; letter++) {
  FOLDED[letter] = letter;
  FOLDED[letter - 0x20] = letter;
}

const LETTER = /^[\p{L}\p{M}]$/u;
const [UNKNOWN, NO, YES] = [0, 1, 2];
/** What is known about each code point: asking the regular expression once is enough. */
const known = new Uint8Array(0x11_0000).fill(UNKNOWN);

/**
 * How many bytes the letter beyond ASCII that begins at `at` takes; 0 when there is none, or no valid UTF-8.
 *
 * @param {Uint8Array} bytes
 * @param {number} at
 */
export function letterLength(bytes, at) {
  const lead = bytes[at] ?? 0;
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0) return 0;
  let codePoint = lead & (0x7f >> length);
  for (let next = at + 1; next < at + length; next++) {
    const byte = bytes[next] ?? 0;
    if (byte >> 6 !== 0b10) return 0;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  return isLetter(codePoint) ? length : 0;
}

/** @param {number} codePoint */
function isLetter(codePoint) {
  if (codePoint > 0x10_ffff) return false;
  if (known[codePoint] === UNKNOWN) known[codePoint] = LETTER.test(String.fromCodePoint(codePoint)) ? YES : NO;
  return known[codePoint] === YES;
}

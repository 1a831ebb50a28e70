/**
 * How two sides of a connection show each other that they know the same secret, which never travels.
 *
 * Each sends random bytes, and proves by a hash of both sides' bytes and of its role, keyed with the secret, that it knows it. So nothing that was said before, by the other side, or in the other role,
 * is a proof. What follows is neither encrypted nor signed.
 */
import { argumentTypeError } from '../errors.js';
import { builtin } from '../internal/builtin.js';
import { currentProcess } from '../processes/current.js';

/** Bytes of a challenge. */
export const NONCE = 32;
/** Bytes of a proof. */
export const PROOF = 32;

/** Which side proves. */
export type Role = 'listener' | 'client';

/** What each side has sent. */
export interface Challenges {
  readonly listener: Uint8Array;
  readonly client: Uint8Array;
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function checkAuthkey(authkey: unknown, action: string): Uint8Array {
  if (authkey === undefined || authkey === null) return currentProcess().authkey;
  // What it is may be a secret in another form: it is not shown.
  if (!(authkey instanceof Uint8Array))
    throw argumentTypeError(`Cannot ${action}: authkey must be bytes, received a ${typeof authkey}`);
  return Uint8Array.from(authkey);
}

/** Bytes that nobody can foresee. */
export function newNonce(): Buffer {
  return builtin.crypto.randomBytes(NONCE);
}

/** What only somebody who knows the key can say about these challenges in this role. */
export function proofOf(key: Uint8Array, role: Role, { listener, client }: Challenges): Buffer {
  return builtin.crypto
    .createHmac('sha256', key)
    .update(`multiproc connection 1 ${role}\0`)
    .update(listener)
    .update(client)
    .digest();
}

/** Is it? Takes the same time whatever differs. */
export function isProof(proof: Uint8Array, key: Uint8Array, role: Role, challenges: Challenges): boolean {
  return proof.length === PROOF && builtin.crypto.timingSafeEqual(proof, proofOf(key, role, challenges));
}

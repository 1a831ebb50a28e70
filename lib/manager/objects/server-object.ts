/**
 * What the server of a manager keeps.
 */
import type { Client } from '../client-record.js';

/** One object. Its exposed methods take the call, then what the client gave. */
export interface ServerObject {
  /** The contents, for people. */
  text(): string;
  /** A client has gone: what it held is to be given back. */
  clientEnded?(client: Client): void;
  /** The object goes, since nobody uses it any more or the server ends. */
  dispose?(): void | Promise<void>;
}

/**
 * What the engine has made of the library's text, for children: it saves them more time than all the rest of their start takes.
 *
 * It lies in a file of memory that every child has from its start. V8 refuses it when it is another version, or has other flags; but it believes what
 * lies in it, so that a child's stray write would be the end of all later ones: the file is sealed.
 */
import { writeSync } from 'node:fs';
import { native } from '../internal/native.js';
import { CODE_HEAD, type CompiledCode } from './code-file.js';

let own: CompiledCode | undefined;
let file = -1;

export function keepCode(code: CompiledCode): void {
  own = code;
}

/** To be called before a child is started. */
export function offerCode(): void {
  if (own === undefined) return;
  file = native.giveMemory(!own.isFromParent);
  if (own.isFromParent) forget();
}

/** To be called when a child has been started: it takes longer to need the code than this takes. */
export function writeCode(): void {
  if (own === undefined) return;
  try {
    if (file >= 0) write(own);
  } catch {
    // No memory for it: children compile.
  } finally {
    if (file >= 0) native.sealMemory(file);
  }
  forget();
}

function write({ print, make }: CompiledCode): void {
  const code = make();
  if (writeSync(file, code, 0, code.length, CODE_HEAD) < code.length) return;
  writeSync(file, `${code.length} ${print}`.padEnd(CODE_HEAD), 0, 'latin1');
}

/** Once is enough for the whole process. */
function forget(): void {
  own = undefined;
}

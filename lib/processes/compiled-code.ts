/**
 * What the engine has made of the library's text, for children: it saves them more time than all the rest of their start takes.
 *
 * It lies in a file of memory that every child has from its start. V8 refuses it when it is another version, or has other flags; but it believes what
 * lies in it, so that a child's stray write would be the end of all later ones: the file is sealed.
 */
import { writeSync } from 'node:fs';
import { native } from '../internal/native.js';
import { CODE_HEAD, type CompiledCode, PARTS } from './code-file.js';

let own: CompiledCode[] | undefined = [];
let file = -1;

/** For the children that will be started: parts that come later are not for them. */
export function keepCode(code: CompiledCode): void {
  own?.push(code);
}

/** To be called before a child is started. */
export function offerCode(): void {
  if (own === undefined || own.length === 0) return;
  const isFromParent = own.every((code) => code.isFromParent);
  file = native.giveMemory(!isFromParent);
  if (isFromParent) own = undefined;
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
  // Once is enough for the whole process.
  own = undefined;
}

function write(parts: readonly CompiledCode[]): void {
  let begin = PARTS.length * CODE_HEAD;
  for (const { part, print, make } of parts) {
    const code = make();
    if (writeSync(file, code, 0, code.length, begin) < code.length) return;
    writeSync(file, `${begin} ${code.length} ${print}`.padEnd(CODE_HEAD), PARTS.indexOf(part) * CODE_HEAD, 'latin1');
    begin += code.length;
  }
}

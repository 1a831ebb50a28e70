// @ts-check
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import typescript from 'typescript';
import { root } from './root.mjs';

/** Compiles the programs of examples/seeds/, and says into which folder. */
export function compileSeeds() {
  const sources = join(root, 'examples', 'seeds');
  const target = join(root, 'build', 'seeds');
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(sources)) {
    const { outputText } = typescript.transpileModule(readFileSync(join(sources, file), 'utf8'), {
      fileName: file,
      compilerOptions: {
        target: typescript.ScriptTarget.ES2022,
        module: typescript.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
      },
    });
    writeFileSync(join(target, `${basename(file, '.ts')}.js`), outputText);
  }
  return target;
}

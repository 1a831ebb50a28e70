// @ts-check
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { transformSync } from 'esbuild';
import { root } from './root.mjs';

/** Compiles the programs of examples/seeds/, and says into which folder. */
export function compileSeeds() {
  const sources = join(root, 'examples', 'seeds');
  const target = join(root, 'build', 'seeds');
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(sources)) {
    const { code } = transformSync(readFileSync(join(sources, file), 'utf8'), {
      loader: 'ts',
      sourcefile: file,
      target: 'es2022',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    });
    writeFileSync(join(target, `${basename(file, '.ts')}.js`), code);
  }
  return target;
}

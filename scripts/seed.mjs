// @ts-check
// Runs a program of examples/seeds/ on any Node: the newer ones run TypeScript by themselves, for the others it is compiled first.
//
//   node scripts/seed.mjs NAME [ARGUMENT…]

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compileSeeds } from './support/seeds.mjs';
import { root } from './support/root.mjs';

const [name = '', ...rest] = process.argv.slice(2);
const names = readdirSync(join(root, 'examples', 'seeds')).map((file) => basename(file, '.ts'));
if (!names.includes(name)) {
  process.stderr.write(`usage: npm run seed -- NAME\n\nNAME is one of\n  ${names.sort().join('\n  ')}\n`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, [join(compileSeeds(), `${name}.js`), ...rest], { stdio: 'inherit' });
process.exitCode = status ?? 1;

// @ts-check
// The checks of the packed package: contents, metadata, and use from ESM, CommonJS and TypeScript on each Node line.

import { join } from 'node:path';
import { binOf, run } from '../../scripts/support/run.mjs';
import { NODE_VERSIONS, nodeBinary } from './node-versions.mjs';
import { compileConsumer, installConsumer, pack, tooNewSymbols, wrongContents } from './tarball.mjs';

/** How a consumer may be written; tsc has compiled the TypeScript ones. */
const FLAVOURS = {
  ESM: 'esm.mjs',
  CommonJS: 'commonjs.cjs',
  'TypeScript ESM': 'typescript.mjs',
  'TypeScript CommonJS': 'typescript-commonjs.cjs',
};

/**
 * @param {number} begunBy of those on other lines of Node than the oldest, as in a check
 * @returns {import('../../scripts/support/checks.mjs').Check[]} in the order in which they must run
 */
export function packageChecks(begunBy) {
  const packed = once(pack);
  const project = once(() => installConsumer(packed()));
  return [
    {
      name: 'package: contents',
      run: () => {
        const wrong = [...wrongContents(packed().tarball), ...tooNewSymbols()];
        for (const line of wrong) process.stderr.write(`${line}\n`);
        return wrong.length === 0;
      },
    },
    {
      name: 'package: publint',
      run: () => run(process.execPath, [binOf('publint'), 'run', '--strict', packed().tarball]),
    },
    {
      name: 'package: types resolve',
      // Every supported Node can `require` an ES module, and none of them resolves without `exports`.
      run: () =>
        run(process.execPath, [
          binOf('@arethetypeswrong/cli', 'attw'),
          packed().tarball,
          ...['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'],
        ]),
    },
    {
      name: 'package: install without scripts, compile against its types',
      run: () => compileConsumer(project()),
    },
    ...NODE_VERSIONS.flatMap((version, line) =>
      Object.entries(FLAVOURS).map(([flavour, file]) => ({
        name: `package: ${flavour} on Node ${version}`,
        run: () => run(nodeBinary(version), [join(project(), file)], { cwd: project(), timeout: 200_000 }),
        ...(line === 0 ? {} : { begunBy }),
      })),
    ),
  ];
}

/**
 * Makes a step run at its first use, and its result, or its failure, serve all later ones.
 *
 * @template T
 * @param {() => T} step
 * @returns {() => T}
 */
function once(step) {
  /** @type {{ value: T } | { error: unknown } | undefined} */
  let outcome;
  return () => {
    if (outcome === undefined) {
      try {
        outcome = { value: step() };
      } catch (error) {
        outcome = { error };
      }
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  };
}

// @ts-check
// Running a list of checks: each is timed, one that fails is counted and the rest still run.

/** @typedef {import('./native-build.mjs').Counts} Counts */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {() => boolean | Counts | Promise<boolean | Counts>} run what it says counts as one check, unless it
 *   counts itself
 * @property {number} [begunBy] milliseconds from the start of all checks: one that would begin later is left out, and
 *   named as not run; it has neither passed nor failed
 */

/**
 * @param {readonly (Check | readonly Check[])[]} checks those of a list within the list run at the same time
 * @param {number} [latest] milliseconds after which no further check is begun: each that is left has failed; default: no limit
 * @returns {Promise<Counts>}
 */
export async function runChecks(checks, latest = Infinity) {
  const begun = performance.now();
  const total = { passed: 0, failed: 0 };
  /** @type {string[]} */
  const table = [];
  for (const check of checks) {
    const elapsed = performance.now() - begun;
    if ('begunBy' in check && elapsed > check.begunBy) {
      table.push(`${check.name}: NOT RUN, no time was left`);
      continue;
    }
    if (elapsed > latest) {
      const left = [check].flat();
      table.push(...left.map(({ name }) => `${name}: FAILED, not begun in time`));
      total.failed += left.length;
      continue;
    }
    for (const { passed, failed, line } of await Promise.all([check].flat().map(runCheck))) {
      table.push(line);
      total.passed += passed;
      total.failed += failed;
    }
  }
  process.stdout.write(`\n${table.join('\n')}\n`);
  return total;
}

/** @param {Check} check */
async function runCheck({ name, run }) {
  process.stdout.write(`\n=== ${name}\n`);
  const start = performance.now();
  const { passed, failed, failures = [] } = await countsOf(run);
  const verdict = `${failed === 0 ? 'ok' : 'FAILED'}, ${((performance.now() - start) / 1000).toFixed(1)} s`;
  process.stdout.write(`=== ${name}: ${verdict}\n`);
  const lines = [
    `${name}: ${passed} passed, ${failed} failed (${verdict})`,
    ...failures.map((test) => `  failed: ${test}`),
  ];
  return { passed, failed, line: lines.join('\n') };
}

/**
 * @param {Check['run']} run
 * @returns {Promise<Counts>}
 */
async function countsOf(run) {
  try {
    const result = await run();
    if (typeof result === 'object') return result;
    return result ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return { passed: 0, failed: 1 };
  }
}

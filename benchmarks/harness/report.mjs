// @ts-check
/**
 * What one sample says, as the last line of its standard output.
 * @typedef {object} SampleReport
 * @property {number} elapsedNs time that the work took; decides how much work the next sample does
 * @property {number} count work done: messages per producer, round trips or operations
 * @property {Record<string, number>} metrics the measured figures, by the names that cases use
 */

/** Hands a sample's figures to the runner. @param {SampleReport} report */
export function printReport(report) {
  process.stdout.write(`\n${JSON.stringify(report)}\n`);
}

/**
 * @param {import('./payload.mjs').StreamSpec} spec
 * @param {number} elapsedNs
 * @returns {SampleReport}
 */
export function streamReport(spec, elapsedNs) {
  const messages = spec.producers * spec.count;
  return {
    elapsedNs,
    count: spec.count,
    metrics: {
      rate: (messages * 1e9) / elapsedNs,
      bandwidth: (messages * spec.size * 1e9) / elapsedNs,
    },
  };
}

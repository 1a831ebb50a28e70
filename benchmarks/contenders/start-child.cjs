// @ts-check
/** The same as CommonJS. */
const now = process.hrtime.bigint();
process.stdout.write(String(now));

module.exports = function nothing() {};

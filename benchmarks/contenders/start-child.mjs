// @ts-check
/** The module that a started process runs. */
const now = process.hrtime.bigint();
process.stdout.write(String(now));

export default function nothing() {}

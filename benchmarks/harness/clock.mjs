// @ts-check
/** Monotonic nanoseconds: one clock for all processes of a machine, whatever language they are written in. */
export function nowNs() {
  return Number(process.hrtime.bigint());
}

// @ts-check
/** Figures for people. */

/** @param {number} value @param {[number, string][]} scales largest first */
function scaled(value, scales) {
  const [factor, unit] =
    scales.find(([candidate]) => Math.abs(value) >= candidate) ?? /** @type {[number, string]} */ (scales.at(-1));
  const number = value / factor;
  const digits = number === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number))));
  return `${number.toFixed(Math.min(digits, 3))} ${unit}`;
}

/** @param {number} value @param {import('../cases/case.mjs').Case['unit']} unit */
export function formatFigure(value, unit) {
  switch (unit) {
    case 'messages/s':
      return scaled(value, [
        [1e6, 'M/s'],
        [1e3, 'k/s'],
        [1, '/s'],
      ]);
    case 'bytes/s':
      return scaled(value, [
        [1e9, 'GB/s'],
        [1e6, 'MB/s'],
        [1e3, 'kB/s'],
      ]);
    case 'bytes':
      return scaled(value, [
        [1e6, 'MB'],
        [1e3, 'kB'],
      ]);
    case 'ns':
      return scaled(value, [
        [1e9, 's'],
        [1e6, 'ms'],
        [1e3, 'µs'],
        [1, 'ns'],
      ]);
    case '%':
      return `${value.toFixed(3)} %`;
  }
}

/** @param {number} ratio */
export function formatRatio(ratio) {
  return ratio >= 100 ? ratio.toFixed(0) : ratio >= 1 ? ratio.toFixed(1) : ratio.toPrecision(2);
}

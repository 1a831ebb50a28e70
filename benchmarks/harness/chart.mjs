// @ts-check
/** One case as an SVG bar chart: medians as bars, the range of all samples as a line over each. */
import { View, parse } from 'vega';

import { formatFigure } from './format.mjs';

/** @typedef {import('../cases/case.mjs').Case} Case */

const OURS = '#1f6fb2';
const PEER = '#b8bec6';
const ROW_HEIGHT = 26;
const WIDTH = 620;
const FONT = 'system-ui, sans-serif';

/**
 * @param {Case} theCase @param {import('./schedule.mjs').Measured[]} results @param {string} footnote
 * @returns {Promise<string>}
 */
export async function chart(theCase, results, footnote) {
  const direction = theCase.better === 'higher' ? -1 : 1;
  const values = results
    .flatMap(({ id, label, summary }) => (summary === null ? [] : [{ id, label, ...summary }]))
    .toSorted((a, b) => direction * (a.median - b.median))
    .map((row) => ({
      ...row,
      color: row.id.startsWith('multiproc') ? OURS : PEER,
      text: formatFigure(row.median, theCase.unit),
    }));
  const most = Math.max(...values.map(({ max }) => max));
  const missing = results.filter(({ summary }) => summary === null).map(({ label }) => label);
  const subtitle = [
    theCase.question,
    `${theCase.better} is better; bar: median, line: all samples`,
    ...(missing.length > 0 ? [`not measured: ${missing.join('; ')}`] : []),
    footnote,
  ];

  const view = new View(
    parse({
      width: WIDTH,
      height: values.length * ROW_HEIGHT,
      padding: 12,
      background: 'white',
      title: {
        text: theCase.name,
        subtitle,
        anchor: 'start',
        frame: 'group',
        fontSize: 13,
        subtitleFontSize: 11,
        subtitleColor: '#555',
        offset: 12,
        font: FONT,
        subtitleFont: FONT,
        limit: 2 * WIDTH,
      },
      data: [{ name: 'rows', values }],
      scales: [
        { name: 'y', type: 'band', domain: { data: 'rows', field: 'label' }, range: 'height', padding: 0.25 },
        // Room on the right for the figure behind the longest bar.
        { name: 'x', type: 'linear', domain: [0, most * 1.18], range: 'width', nice: false },
      ],
      axes: [
        {
          orient: 'left',
          scale: 'y',
          ticks: false,
          domain: false,
          labelPadding: 8,
          labelFontSize: 12,
          labelFont: FONT,
          labelLimit: 0,
        },
      ],
      marks: [
        {
          type: 'rect',
          from: { data: 'rows' },
          encode: {
            enter: {
              y: { scale: 'y', field: 'label' },
              height: { scale: 'y', band: 1 },
              x: { scale: 'x', value: 0 },
              x2: { scale: 'x', field: 'median' },
              fill: { field: 'color' },
            },
          },
        },
        {
          type: 'rule',
          from: { data: 'rows' },
          encode: {
            enter: {
              y: { scale: 'y', field: 'label', band: 0.5 },
              x: { scale: 'x', field: 'min' },
              x2: { scale: 'x', field: 'max' },
              stroke: { value: '#333' },
              strokeWidth: { value: 1.5 },
            },
          },
        },
        {
          type: 'text',
          from: { data: 'rows' },
          encode: {
            enter: {
              y: { scale: 'y', field: 'label', band: 0.5 },
              x: { scale: 'x', field: 'max', offset: 6 },
              text: { field: 'text' },
              baseline: { value: 'middle' },
              font: { value: FONT },
              fontSize: { value: 11 },
              fill: { value: '#222' },
            },
          },
        },
      ],
    }),
    { renderer: 'none' },
  );
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

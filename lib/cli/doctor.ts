/**
 * `multiproc doctor`: what the library found on this machine.
 */
import { addonPath, call, native } from '../internal/native.js';
import { table } from './table.js';

/** Text of the command's output. */
export function reportHealth(json: boolean): string {
  const facts: Record<string, string | number | boolean> = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    addon: addonPath,
    'usable processors': native.usableCpus,
    ...call(() => native.systemInfo()),
  };
  if (json) return `${JSON.stringify(facts, null, 2)}\n`;
  return table(
    ['FACT', 'VALUE'],
    Object.entries(facts).map(([name, value]) => [name, String(value)]),
  );
}

/**
 * After the whole run: vitest ends its workers by a signal, and a program that ends so leaves the segment of its small objects to the
 * next one that starts.
 */
import { execFileSync } from 'node:child_process';
import { commandLineTool } from './run-child.js';

export function teardown(): void {
  execFileSync(process.execPath, [commandLineTool, 'gc']);
}

/**
 * Marks this environment as a child: to be imported before any module that asks.
 */
import { CHILD_MARK } from './child-mark.js';

Object.defineProperty(globalThis, CHILD_MARK, { value: true });

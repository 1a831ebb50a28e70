/**
 * What happens by itself when a program that uses the library starts. Leaving at the end is the addon's part: it comes after
 * all JavaScript, so that exit handlers can still use their objects.
 */
import { isMainThread } from 'node:worker_threads';
import { native } from './native.js';

if (isMainThread) {
  try {
    native.sweep();
  } catch {
    // What cannot be removed now (another user's, an unreadable folder) is not this program's business.
  }
}

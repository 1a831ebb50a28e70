/**
 * The main module of every child. Its argument is the handle of the connection to its parent.
 */
import './processes/become-child.js';
// All classes, since any of their objects may be among the arguments.
import './index.js';
import { runChild } from './processes/child.js';

await runChild(process.argv[2] ?? '');

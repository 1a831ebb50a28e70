// @ts-check
/** What workerpool's processes run. */
import workerpool from 'workerpool';

import { echo, square, squares } from './pool-work.mjs';

workerpool.worker({ square, squares, echo });

// @ts-check
import { buffers } from './buffers.mjs';
import { mapCases } from './maps.mjs';
import { managerCases } from './managers.mjs';
import { channelCases } from './channels.mjs';
import { objectCases } from './objects.mjs';
import { operationCases } from './operations.mjs';
import { poolCases } from './pools.mjs';
import { roundtripCases } from './roundtrips.mjs';
import { startCases } from './starts.mjs';
import { streamCases } from './streams.mjs';

/** All cases, in the order in which they run. */
export const cases = [
  ...streamCases,
  ...objectCases,
  buffers,
  ...roundtripCases,
  ...channelCases,
  ...operationCases,
  ...mapCases,
  ...startCases,
  ...poolCases,
  ...managerCases,
];

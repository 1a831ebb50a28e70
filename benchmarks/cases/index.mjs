// @ts-check
import { buffers } from './buffers.mjs';
import { objectCases } from './objects.mjs';
import { operationCases } from './operations.mjs';
import { roundtripCases } from './roundtrips.mjs';
import { streamCases } from './streams.mjs';

/** All cases, in the order in which they run. */
export const cases = [...streamCases, ...objectCases, buffers, ...roundtripCases, ...operationCases];

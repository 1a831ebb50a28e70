/**
 * The one encoder of this environment: its scratch is the memory that native code reads messages from.
 */
import { Encoder } from './codec/codec.js';
import { native } from './native.js';

/** Of everything that can travel. What it holds is valid until the next use. */
export const encoder = new Encoder((scratch) => {
  native.setScratch(scratch);
});
native.setScratch(encoder.scratch);

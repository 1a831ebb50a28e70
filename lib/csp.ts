/**
 * Communicating sequential processes, after PyCSP: `multiproc/csp`.
 *
 * @packageDocumentation
 */
export { alt, Alternation, type Choice, type Choices } from './csp/alternation.js';
export { Channel } from './csp/channel.js';
export { ChannelEnd, poison, ReadEnd, retire, WriteEnd } from './csp/channel-end.js';
export { type Action, type Guard, InputGuard, OutputGuard, SkipGuard, TimeoutGuard } from './csp/guards.js';
export { Parallel, ParallelSync, type Processes, Sequence, SequenceSync, Spawn, type Spawned } from './csp/network.js';
export { type ChannelOptions } from './csp/open-channel.js';
export { type CspProcessOptions, process, ProcessDescription, type ProcessFactory, times } from './csp/process.js';
export { currentProcessId } from './csp/run-process.js';
export { AltSelect, fair, FairSelect, type FairSelector, PriSelect, type Selected } from './csp/select.js';
export { PoisonError, RetireError } from './errors.js';

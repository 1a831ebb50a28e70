// What the benchmark uses of a package that brings no types.
declare module 'shared-memory-disruptor' {
  export class Disruptor {
    constructor(
      name: string,
      records: number,
      size: number,
      consumers: number,
      consumer: number,
      init: boolean,
      spin: boolean,
    );
    produceClaimSync(): Buffer;
    produceCommitSync(): boolean;
    consumeNewSync(): Buffer[];
    consumeCommit(): void;
    release(): void;
  }
  const disruptor: { Disruptor: typeof Disruptor };
  export default disruptor;
}

/**
 * What native code tells of segments and objects, as objects; cold.
 */

/** What `ownerOf` leaves in `out`. */
export interface ParticipantInfo {
  readonly index: number;
  readonly pid: number;
  readonly command: string;
  readonly alive: boolean;
}

/** One segment as `listSegments` sees it. */
export interface SegmentInfo {
  readonly name: string;
  /** `'arena' | 'queue' | 'memory' | 'spill' | 'unknown'`. */
  readonly kind: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Nobody holds it: the next sweep removes it. */
  readonly orphan: boolean;
  readonly participants: readonly ParticipantInfo[];
  /** Queue: committed messages not yet consumed; arena: live objects; else 0. */
  readonly depth: number;
  /** Why it could not be read, when it could not. */
  readonly problem: string | null;
}

/** Counters of an object; fields that do not apply are 0. */
export interface ObjectStats {
  /** Lock, RLock, map: successful acquisitions. Semaphore: permits taken. Condition: waits. Event: sets. Barrier: releases. */
  readonly acquired: number;
  /** Acquisitions that had to wait. */
  readonly contended: number;
  /** Owners that died holding it. */
  readonly ownerDeaths: number;
  /** Participants registered as waiting right now. */
  readonly waiters: number;
  /** Pid of the owner, 0 if free. */
  readonly ownerPid: number;
  /** Queue: messages put and got so far, over all processes. */
  readonly puts: number;
  readonly gets: number;
  /** Queue: bytes of the ring in use (claimed lines), and in all. */
  readonly bytesUsed: number;
  readonly capacity: number;
  /** Messages that travelled in a segment of their own. */
  readonly spills: number;
  /** Messages that were dropped since their file was gone or damaged. */
  readonly damaged: number;
  /** Pids of processes in the middle of a put or get right now (a stopped one pins its space). */
  readonly busyPids: readonly number[];
  /** Processes (participants) joined to the segment. */
  readonly participants: number;
}

/** What `test/torture/*.part.mjs` export: the long form of a test, for `npm run torture`. */
export interface Part {
  /** What the user types. */
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** Does the work. An error thrown counts as a failure, as `ok: false` does. */
  run(task: Task): Promise<Outcome>;
}

export interface Task {
  /** How long to go on; a part with a fixed amount of work ignores it. */
  readonly minutes: number;
  /** An integer from 0 to 2^32 - 1; everything random follows from it. */
  readonly seed: number;
  /** Prints progress. */
  readonly log: (text: string) => void;
}

export interface Outcome {
  /** Whether what the part tests held. */
  readonly ok: boolean;
  /** What was done, and how much of it; goes into the record as it is. */
  readonly figures: Readonly<Record<string, unknown>>;
}

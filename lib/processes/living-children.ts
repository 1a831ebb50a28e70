/**
 * The children of this process that run, as far as is known.
 */

/** What the end of a process wants of its children. */
export interface LivingChild {
  /** The user's object. */
  readonly process: object;
  readonly daemon: boolean;
  /** Looked up when it is read; `null` while it runs. */
  readonly exitCode: number | null;
  /** Blocks the thread for at most `timeout` ms. */
  joinSync(timeout: number): number | null;
  signal(name: NodeJS.Signals): void;
  closeStreams(): void;
}

const living = new Set<LivingChild>();

export function childStarted(child: LivingChild): void {
  living.add(child);
}

export function childEnded(child: LivingChild): void {
  living.delete(child);
}

/** Those that run now. */
export function livingChildren(): LivingChild[] {
  return [...living].filter(({ exitCode }) => exitCode === null);
}

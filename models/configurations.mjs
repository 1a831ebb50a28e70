/**
 * What is checked: a model, its -D flags, and whether it must hold or must be found broken.
 *
 * `LARGE` marks searches of over 300,000 states, which an optimising compiler shortens by more than it takes; `FULL` the
 * ones that only `--full` runs. A configuration with a mutation flag leaves one rule of the protocol out; it passes when
 * Spin finds an assertion violated.
 */

/** @typedef {'small' | 'large' | 'full'} Size */
/** @type {Size} */
const LARGE = 'large';
/** @type {Size} */
const FULL = 'full';

const configuration =
  (/** @type {boolean} */ broken) =>
  (
    /** @type {string} */ model,
    /** @type {string} */ title,
    /** @type {string} */ flags,
    size = /** @type {Size} */ ('small'),
  ) => ({
    model,
    title,
    flags,
    broken,
    size,
  });
const holds = configuration(false);
const broken = configuration(true);

export const configurations = [
  // P producers + C getters; every process may be killed when CRASHES is set.
  holds('ring', '1+1', ''),
  holds('ring', '1+2', 'C=2'),
  holds('ring', '2+1, one message each', 'P=2 MPER=1'),
  holds('ring', '1+1, 1 crash, 1 reaper', 'CRASHES=1 REAPERS=1'),
  holds('ring', '1+1, 2 crashes, 1 reaper', 'CRASHES=2 REAPERS=1', LARGE),
  holds('ring', '2+1, 1 crash', 'P=2 MPER=1 CRASHES=1', LARGE),
  holds('ring', '1+1, 1 crash, shortened commits', 'SHORTEN K0=2 K1=3 CRASHES=1'),
  holds('ring', '1+1, 1 crash, stale words', 'STALE CRASHES=1'),
  holds('ring', '2+1, stale words', 'P=2 MPER=1 STALE'),
  holds('ring', '2+1, maxsize 1', 'P=2 MPER=1 MAXSIZE=1'),
  holds('ring', '2+1, maxsize 2, shortened commits', 'P=2 MPER=1 MAXSIZE=2 SHORTEN K0=2 K1=3'),
  holds('ring', '1+2, one message put back', 'C=2 REQUEUES=1', LARGE),
  holds('ring', '1+1, 1 crash, reaper, slot reused', 'JOIN REAPERS=1 CRASHES=1 MPER=1', LARGE),
  holds('ring', '2+1, shutdown', 'P=2 MPER=1 SHUT', LARGE),
  holds('ring', '1+1, 1 crash, shutdown', 'SHUT CRASHES=1'),

  broken('ring', 'skipped words are not looked at again', 'NORECHECK'),
  broken('ring', 'laps compared by order', 'ORDERED_LAP STALE'),
  broken('ring', 'padding at the end of the ring', 'PADDING_WRAP K0=2 MPER=1'),
  broken('ring', 'claim without an owner', 'ANON_CLAIM CRASHES=1'),
  broken('ring', 'reaper without the lock', 'REAP_NOLOCK REAPERS=1 JOIN CRASHES=1 MPER=1'),
  broken('ring', 'slot freed before the repair', 'REAP_FREE_FIRST REAPERS=1 CRASHES=2 MPER=1'),
  broken('ring', 'shutdown looked at only before the claim', 'SHUT_EARLY SHUT'),
  broken('ring', 'ShutDown despite a WRITING record', 'SHUT_OVER_WRITING SHUT'),
  broken('ring', 'ShutDown on "its writer is dead"', 'SHUT_TRUST_DEAD SHUT CRASHES=1'),
  broken('ring', 'ShutDown despite a READING record', 'SHUT_OVER_READING SHUT C=2'),
  broken('ring', 'padding written after the commit', 'PAD_LATE SHORTEN K0=2 CRASHES=1'),
  broken('ring', "padding with its record's lap", 'PAD_LAP SHORTEN K0=3 K1=2'),
  broken('ring', 'padding counted as a message', 'PAD_COUNTS SHORTEN K0=2 MAXSIZE=2'),

  holds('ring', '2+1', 'P=2', FULL),
  holds('ring', '1+2, 1 crash', 'C=2 CRASHES=1', FULL),
  holds('ring', '2+2, one message each', 'P=2 C=2 MPER=1', FULL),
  holds('ring', '2+2, 1 crash', 'P=2 C=2 MPER=1 CRASHES=1', FULL),
  holds('ring', '1+1, 1 crash, reaper, shortened commits', 'SHORTEN K0=3 K1=2 CRASHES=1 REAPERS=1', FULL),
  holds('ring', '1+2, 1 crash, shortened commits', 'SHORTEN K0=2 K1=3 C=2 CRASHES=1', FULL),
  holds('ring', '1+2, 1 crash, one message put back', 'C=2 REQUEUES=1 CRASHES=1 MPER=1', FULL),
  holds('ring', '2+1, 1 crash, maxsize 1', 'P=2 MPER=1 MAXSIZE=1 CRASHES=1', FULL),
  holds('ring', '1+2, 1 crash, shutdown', 'SHUT C=2 CRASHES=1 MPER=1', FULL),
  holds('ring', '1+1, 1 crash, 2 reapers, slot reused', 'JOIN REAPERS=2 CRASHES=1 MPER=1', FULL),
  holds('ring', '2+1, 1 crash, stale words', 'P=2 MPER=1 STALE CRASHES=1', FULL),

  holds('wait', '2 waiters, 1 waker', ''),
  holds('wait', '2 waiters, 1 waker with 2 items', 'ITEMS=2'),
  holds('wait', '2 waiters, 1 gives up, 1 waker', 'QUITTERS=1'),
  holds('wait', '2 waiters, 1 waker, 1 kill, 1 slice', 'KILLS=1 SLICES=1', LARGE),
  holds('wait', 'event loop, 1 waker with 2 items', 'ASYNC WAITERS=1 ITEMS=2'),
  holds('wait', '2 event loops, 1 waker', 'ASYNC', LARGE),
  holds('wait', 'event loop, 2 items, 1 kill', 'ASYNC WAITERS=1 ITEMS=2 KILLS=1 SLICES=2'),

  holds('wait', '2 waiters, watch, 1 waker with 2 items', 'WATCH ITEMS=2', LARGE),
  holds('wait', '2 waiters, watch, 1 waker, 1 kill, 1 slice', 'WATCH KILLS=1 SLICES=1', LARGE),

  broken('wait', 'no second look after arming', 'NORECHECK'),
  broken('wait', 'no second look after arming, event loops', 'ASYNC NORECHECK'),
  broken('wait', 'summary bit not restored', 'NORESTORE WAKERS=2 WORDS=1', LARGE),
  broken('wait', 'doorbell read after the last look', 'LATE_DOORBELL'),
  broken('wait', 'a wake that found nobody is not passed on', 'NORINGNEXT WAKERS=2', LARGE),
  broken('wait', 'a rung loop leaves without passing on', 'ASYNC NOPASS QUITTERS=1'),
  broken('wait', 'a kill without slices', 'KILLS=1 SLICES=0'),
  broken('wait', 'a keeper does not look for more', 'WATCH WATCH_ALONE ITEMS=2'),
  broken('wait', 'the watch is given up after the look', 'WATCH WATCH_LATE ITEMS=2', LARGE),
  broken('wait', 'no second look after arming, watch', 'WATCH NORECHECK'),

  holds('wait', '2 waiters, 2 wakers, one word', 'WAKERS=2 WORDS=1', FULL),
  holds('wait', '2 waiters, 1 gives up, 2 wakers', 'WAKERS=2 WORDS=1 QUITTERS=1', FULL),
  holds('wait', '3 waiters, 1 waker with 2 items', 'WAITERS=3 ITEMS=2', FULL),
  holds('wait', '2 waiters, 1 waker with 2 items, 1 kill', 'ITEMS=2 KILLS=1 SLICES=2', FULL),
  holds('wait', '3 waiters, watch, 1 waker', 'WATCH WAITERS=3', FULL),
  holds('wait', '2 waiters, watch, 2 wakers', 'WATCH WAKERS=2 WORDS=1', FULL),
  holds('wait', '2 waiters, watch, 2 items, 1 kill, 2 slices', 'WATCH ITEMS=2 KILLS=1 SLICES=2', FULL),
  holds('wait', '2 event loops, 1 gives up, 1 waker', 'ASYNC QUITTERS=1', FULL),
  holds('wait', '2 event loops, 1 waker with 2 items', 'ASYNC ITEMS=2', FULL),
  holds('wait', '2 event loops, 1 waker, 1 kill, 1 slice', 'ASYNC KILLS=1 SLICES=1', FULL),
];

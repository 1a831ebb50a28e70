/*
 * Sleeping and waking: one doorbell word per participant, and per wait queue a bitmap of waiters in
 * two levels, bits[word] and a summary of the words that are not zero.
 *
 * The condition that everybody waits for is a message: `items` > 0. Who takes an item takes it with
 * one compare-and-swap; who adds one wakes one waiter. Processes can be killed between any two steps.
 * A sleep ends by a wake, or by the end of its slice. A slice ends only when nothing else can move
 * (Promela's `timeout`), so the run counts how often progress depended on it.
 *
 * A doorbell counts rings. It has one reader, who only asks whether it still holds the value that he
 * read last, so one bit per doorbell tells the same.
 *
 * One atomic block is one access to shared memory, or one system call, with the private computation
 * that follows it. Memory order is sequentially consistent.
 *
 * Configuration, by -D flags:
 *   WAITERS   waiters, WAKERS wakers with ITEMS items each
 *   ASYNC     the waiters are event loops, each with a thread that sleeps on the doorbell for it
 *   QUITTERS  how many waiters may give up while they wait
 *   WORDS     words of the bitmap
 *   KILLS     how many processes may be killed
 *   SLICES    how many slices may end; without kills none may be needed
 *   WATCH     a waiter may keep the watch: it looks by itself, and nobody is woken meanwhile. Whoever took an
 *             item wakes one for the next. A watch may run out at any time, that of a live keeper too
 *
 * Each of these flags takes one rule away, and must then produce an error:
 *   NORECHECK      sleep without looking again after arming
 *   NORESTORE      the summary bit is cleared without looking at the word again
 *   LATE_DOORBELL  the doorbell is read after the last look at the condition
 *   NORINGNEXT     a wake that found nobody asleep is not passed on
 *   NOPASS         a waiter that gives up or leaves while rung does not pass the wake on
 *   WATCH_ALONE    the keeper takes an item and does not look whether there are more
 *   WATCH_LATE     the keeper looks whether there are more, and then gives the watch up
 */

#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef WAKERS
#define WAKERS 1
#endif
#ifndef ITEMS
#define ITEMS 1
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef QUITTERS
#define QUITTERS 0
#endif
#ifndef SLICES
#define SLICES 0
#endif
#ifndef WORDS
#define WORDS 2
#endif

#define PROCS   (WAITERS + WAKERS)          /* waiters first */
#define WORD(w) ((w) % WORDS)

byte items;
bool rung[WAITERS];                         /* the doorbell has changed since its reader read it */
bool asleep[WAITERS];                       /* in the kernel's queue for this doorbell */
byte bits[WORDS];
byte summary;
bool posted[WAITERS];                       /* the thread has called its event loop */
bool killed[PROCS], left[PROCS];
byte kills, slices;
byte watched;                               /* by waiter watched - 1; 0: by nobody */

#define MORTAL(id) unless { killed[id] }

/* One load in a waker, before it wakes anybody. */
#ifdef WATCH
#define SKIP_IF_WATCHED(label) atomic { if :: watched -> goto label :: else fi }
#else
#define SKIP_IF_WATCHED(label) skip
#endif

inline giveWatchUp(id) { atomic { if :: watched == id + 1 -> watched = 0 :: else fi } }

/* Rings one waiter that was asleep, or all that are armed. */
#define WAKE_LOCALS byte s, b, x
inline wake() {
  skip;
k_summary:
  atomic {
    s = summary;
    if :: s == 0 -> goto k_done :: else fi;
    x = 0; do :: !(s & (1 << x)) -> x++ :: else -> s = x; x = 0; break od
  };
k_word:
  atomic {
    b = bits[s];
    if :: b == 0 -> goto k_clear :: else fi;
    x = 0; do :: !(b & (1 << x)) -> x++ :: else -> break od
  };
  atomic {
    b = bits[s] & (1 << x); bits[s] = bits[s] & ~(1 << x);
    if :: b == 0 -> goto k_word :: else fi
  };
  atomic { rung[x] = true };
  atomic {
    if
    :: asleep[x] -> asleep[x] = false; goto k_done
#ifdef NORINGNEXT
    :: else -> goto k_done
#else
    :: else
#endif
    fi
  };
  /* Without this look, a waker could ring wakeful waiters for ever over an item long taken. */
  atomic { if :: items > 0 -> goto k_summary :: else -> goto k_done fi };
k_clear:
  atomic { summary = summary & ~(1 << s) };
#ifndef NORESTORE
  atomic { b = bits[s] };
  if
  :: b -> atomic { summary = summary | (1 << s) }
  :: else
  fi;
#endif
  goto k_summary;
k_done: atomic { s = 0; b = 0; x = 0 }
}

proctype waker(byte id) {
  WAKE_LOCALS; byte n;
  {
    do
    :: n < ITEMS -> atomic { items++; n++ }; SKIP_IF_WATCHED(p_next); wake();
p_next: skip
    :: else -> break
    od;
    atomic { left[id] = true }
  } MORTAL(id)
}

/* A slice may end only if nothing else can happen and there is something to take. */
inline sliceEnd() { timeout && items > 0 -> slices++; assert(slices <= SLICES) }
#define NOTHING_MORE (timeout && items == 0)

proctype waiter(byte id) {
  WAKE_LOCALS; byte old;
  {
    skip;
w_try:
    atomic { if :: items > 0 -> items--; goto w_took :: else fi };
#ifdef WATCH
    if
    :: atomic { !watched -> watched = id + 1 }; goto w_nap
    :: skip
    fi;
#endif
w_arm:
#if !defined(ASYNC) && !defined(LATE_DOORBELL)
    atomic { rung[id] = false };
#endif
    atomic { bits[WORD(id)] = bits[WORD(id)] | (1 << id) };
    atomic { summary = summary | (1 << WORD(id)) };
#ifndef NORECHECK
    atomic { if :: items > 0 -> items--; goto w_took :: else fi };
#endif
#ifdef ASYNC
    if
    :: atomic { posted[id] -> posted[id] = false; goto w_try }
    :: atomic { sliceEnd(); goto w_try }
    :: atomic { NOTHING_MORE -> left[id] = true; goto w_gone }
    :: id < QUITTERS -> goto w_leave                  /* AbortSignal */
    fi;
#else
#ifdef LATE_DOORBELL
    atomic { rung[id] = false };
#endif
    atomic { if :: !rung[id] -> asleep[id] = true :: else -> goto w_try fi };
    if
    :: atomic { !asleep[id] -> goto w_try }
    :: atomic { asleep[id] && timeout && items > 0 -> asleep[id] = false; slices++; assert(slices <= SLICES); goto w_try }
    :: atomic { asleep[id] && NOTHING_MORE -> left[id] = true; goto w_gone }
    :: atomic { asleep[id] && id < QUITTERS -> asleep[id] = false; goto w_leave }     /* its own timeout */
    fi;
#endif
#ifdef WATCH
    goto w_took;
w_nap:
    if
    :: atomic { items > 0 -> items-- }; goto w_found
    :: atomic { items == 0 -> skip }; goto w_nap
    :: skip                                           /* its time is over, or it leaves the items to others */
    fi;
    giveWatchUp(id);
    goto w_arm;
w_found:
#ifndef WATCH_LATE
    giveWatchUp(id);
#endif
#ifdef WATCH_ALONE
    goto w_next;
#endif
#endif
w_took:
#ifdef WATCH
    SKIP_IF_WATCHED(w_next);
    if :: atomic { items > 0 -> skip }; wake() :: atomic { items == 0 -> skip } fi;
w_next:
#ifdef WATCH_LATE
    giveWatchUp(id);
#endif
#endif
    if :: goto w_try :: goto w_leave fi;
w_leave:
    atomic { old = bits[WORD(id)] & (1 << id); bits[WORD(id)] = bits[WORD(id)] & ~(1 << id) };
#if defined(ASYNC) && !defined(NOPASS)
    /* Somebody rang; the thread was asleep, so he rang nobody else. */
    if
    :: old == 0 ->
      if :: atomic { items > 0 -> skip }; wake() :: atomic { items == 0 -> skip } fi
    :: else
    fi;
#endif
    atomic { left[id] = true };
w_gone: skip
  } MORTAL(id)
}

/* Sleeps on the doorbell on behalf of event loop `id`; knows nothing of queues or conditions. */
proctype thread(byte id) {
  {
    skip;
t_read:
    atomic {
      if :: rung[id] -> rung[id] = false :: else -> goto t_sleep fi
    };
    atomic { posted[id] = true };
    goto t_read;
t_sleep:
    atomic { if :: !rung[id] -> asleep[id] = true :: else -> goto t_read fi };
endSleep:
    if
    :: atomic { !asleep[id] -> goto t_read }
    :: atomic { left[id] -> asleep[id] = false }
    fi
  } MORTAL(id)
}

proctype clock() {
  do :: atomic { watched -> watched = 0 } :: true -> break od
}

proctype killer() {
  byte i;
  do
  :: kills < KILLS ->
    atomic {
      i = 0;
      do :: i < PROCS - 1 -> i++ :: true -> break od;
      if
      :: killed[i] || left[i]
      :: else -> kills++; killed[i] = true; if :: i < WAITERS -> asleep[i] = false :: else fi
      fi;
      i = 0
    }
  :: true -> break
  od
}

init {
  byte i;
  atomic {
    do
    :: i < WAITERS -> run waiter(i);
#ifdef ASYNC
      run thread(i);
#endif
      i++
    :: i >= WAITERS && i < PROCS -> run waker(i); i++
    :: else -> break
    od;
#ifdef WATCH
    run clock();
#endif
#if KILLS > 0
    run killer();
#endif
    i = 0
  }
}

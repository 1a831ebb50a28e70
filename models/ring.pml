/*
 * The ring: N lines, one word per line, any number of producers and getters, every one of which
 * may be killed between any two steps, and reapers that repair what the dead leave behind.
 *
 * One atomic block is one access to shared memory (a load, a store or a compare-and-swap of one
 * word) with the private computation that follows it. Memory order is sequentially consistent.
 * What is marked `ghost` exists only to state properties.
 *
 * Configuration, by -D flags:
 *   N           lines of the ring
 *   P, C        producers and getters; each has the registry slot of its own number
 *   MPER        messages per producer
 *   K0, K1      lines of a producer's messages, alternating (swapped for odd producers)
 *   KMAX        lines of the largest message that the closing check sends
 *   CRASHES     how many processes may be killed
 *   REAPERS     processes that do nothing but reap (reapers can be killed too)
 *   JOIN        a late producer that takes over slot 0 once its owner is gone
 *   MAXSIZE     bound on counted messages
 *   SHORTEN     a reserved record may be committed with one line only
 *   REQUEUES    how many times a getter may put a message back instead of releasing it
 *   SHUT        somebody shuts the queue down at some moment
 *   STALE       words start with tags of older, equal and "future" laps, as after days of running
 *
 * Each of these flags takes one rule away, and must then produce an error:
 *   NORECHECK ORDERED_LAP PADDING_WRAP ANON_CLAIM REAP_NOLOCK REAP_FREE_FIRST SHUT_EARLY
 *   SHUT_OVER_WRITING SHUT_TRUST_DEAD SHUT_OVER_READING PAD_LATE PAD_LAP PAD_COUNTS
 */

#ifndef N
#define N 4
#endif
#ifndef P
#define P 1
#endif
#ifndef C
#define C 1
#endif
#ifndef MPER
#define MPER 2
#endif
#ifndef K0
#define K0 1
#endif
#ifndef K1
#define K1 2
#endif
#ifndef KMAX
#define KMAX 3
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef REAPERS
#define REAPERS 0
#endif
#ifndef MAXSIZE
#define MAXSIZE 100
#endif
#ifndef REQUEUES
#define REQUEUES 0
#endif
#ifdef JOIN
#define JOINERS 1
#else
#define JOINERS 0
#endif

#define SLOTS   (P + C)
#define JOINER  SLOTS                       /* process numbers: slots, the joiner, the reapers */
#define REAPER0 (SLOTS + JOINERS)
#define PROCS   (SLOTS + JOINERS + REAPERS)
#define MSGS    ((P + JOINERS) * MPER)
#define PROBE   MSGS                        /* the message of the closing check */
#define NONE    15                          /* owner of a word that nobody owns */

#define X(pos)   ((pos) % N)
#define LAP(pos) ((pos) / N)
#ifdef STALE
#define START (2 * N + 1)
#else
#define START N
#endif

mtype = { FREE, WRITING, READY, READING, ABORTED, PADDING };
mtype = { SENT, FULL, GOT, EMPTY, SHUTDOWN };

typedef Word { byte lap; mtype st; byte own; byte k };
#define FINAL(st)  ((st) == FREE || (st) == ABORTED || (st) == PADDING)
#ifdef PAD_COUNTS
#define COUNTS(st) 1
#else
#define COUNTS(st) ((st) != PADDING)        /* padding belongs to the record before it */
#endif

Word S[N];
byte tailPos, tailSeq;                      /* one 64-bit word: line number and message number */
byte headPos, headSeq;                      /* likewise */
byte data[N];                               /* first line of a record: its message + 1 */
bool shut;

byte lock[5];                               /* kernel byte lock: 0, or process + 1 */
bool joined[5];                             /* registry: the slot awaits its owner's leave or a repair */

bool killed[PROCS];
bool working[PROCS];                        /* neither left nor killed; a reaper: inside a repair */
byte running;
byte crashes;

/* ghost */
bool busy[N];                               /* a live process may touch the bytes of this line */
byte counted;                               /* records between their claim and their release */
bool committed[MSGS + 1];                   /* its put returned success */
bool claimed[MSGS + 1];                     /* some getter has had it */
bool consumed[MSGS + 1];
bool reported;                              /* a getter has reported ShutDown */
byte requeues;

inline load(w, pos) {
  w.lap = S[X(pos)].lap; w.st = S[X(pos)].st; w.own = S[X(pos)].own; w.k = S[X(pos)].k
}
inline store(pos, state, owner, lines) {
  S[X(pos)].lap = LAP(pos); S[X(pos)].st = state; S[X(pos)].own = owner; S[X(pos)].k = lines
}
#define SAME(pos, w) \
  (S[X(pos)].lap == w.lap && S[X(pos)].st == w.st && S[X(pos)].own == w.own && S[X(pos)].k == w.k)

inline casTail(pos, seq, lines, counts) {
  if :: tailPos == pos -> tailPos = pos + lines; tailSeq = seq + counts :: else fi
}
inline casHead(pos, seq, lines, counts) {
  if :: headPos == pos -> headPos = pos + lines; headSeq = seq + counts :: else fi
}

/* ghost */
inline occupy(pos, lines) {
  j = 0; do :: j < lines -> assert(!busy[X(pos + j)]); busy[X(pos + j)] = true; j++ :: else -> break od;
  assert(counted < MAXSIZE); counted++; j = 0
}
inline vacate(pos, lines) {
  j = 0; do :: j < lines -> busy[X(pos + j)] = false; j++ :: else -> break od; j = 0
}
inline released(pos, lines) { vacate(pos, lines); data[X(pos)] = 0; counted-- }

#include "ring-operations.pml"

#define MORTAL(id) unless { killed[id] }
inline leave(id) {
  atomic { joined[me] = false; lock[me] = 0; working[id] = false; running-- }
}

proctype producer(byte id; byte first; bool late) {
  PUT_LOCALS; byte p, h0;
  {
    if
    :: !late -> me = id
    :: late ->
      me = 0;
      if
      :: atomic { lock[0] == 0 -> lock[0] = id + 1 }
      :: atomic { working[id] = false; running-- } -> goto gone
      fi;
      if
      :: joined[0] -> repair()
      :: !joined[0] -> joined[0] = true
      fi
    fi;
    m = first; k = (first / MPER % 2 == 0 -> K0 : K1);
    do
    :: m < first + MPER ->
      put(0);
      if
      :: res == SENT -> m++; k = K0 + K1 - k
      :: res == FULL
      :: res == SHUTDOWN -> break
      fi
    :: true -> break
    od;
    leave(id);
gone: skip
  } MORTAL(id)
}

proctype getter(byte id) {
  GET_LOCALS; byte j, m; byte me; mtype res; Word w; byte tries; bool flag, held;
  me = id;
  {
    do
    :: get(0); if :: res == SHUTDOWN -> break :: else fi
    :: true -> break
    od;
    leave(id)
  } MORTAL(id)
}

#define ABANDONED(s) (joined[s] && lock[s] == 0)

/* A killed reaper's lock goes with it, and the slot is still `joined`: the next one starts over. */
proctype reaper(byte id) {
  byte me, p, h0, j; Word w;
  {
endIdle:
    do
    :: atomic {
        ABANDONED(0) || ABANDONED(1) || ABANDONED(2) || ABANDONED(3) || ABANDONED(4) ->
        me = 0; do :: !ABANDONED(me) -> me++ :: else -> break od;
        working[id] = true; running++;
#ifdef REAP_FREE_FIRST
        joined[me] = false;
#endif
#ifndef REAP_NOLOCK
        lock[me] = id + 1
#endif
      };
      repair();
      atomic { joined[me] = false };
      atomic {
#ifndef REAP_NOLOCK
        lock[me] = 0;
#endif
        working[id] = false; running--
      }
    od
  } MORTAL(id)
}

/* SIGKILL: the victim takes no further step, and the kernel drops its locks. */
proctype killer() {
  byte i, s;
endIdle:
  do
  :: atomic {
      crashes < CRASHES && running > 0 ->
      i = 0;
      do
      :: working[i] -> break
      :: i < PROCS - 1 -> i++
      :: i == PROCS - 1 && !working[i] -> goto nobody
      od;
      crashes++; killed[i] = true; working[i] = false; running--;
      s = 0;
      do :: s < SLOTS -> if :: lock[s] == i + 1 -> lock[s] = 0 :: else fi; s++ :: else -> break od;
nobody:
      i = 0; s = 0
    }
  :: crashes == CRASHES -> break
  od
}

/* Nothing is left behind: no record, no message, no line. */
inline caughtUp() {
  do
  :: S[X(tailPos)].lap == LAP(tailPos) ->
    t = tailPos; ts = tailSeq; load(w, t); casTail(t, ts, w.k, COUNTS(w.st))
  :: else -> break
  od;
  assert(headPos == tailPos && headSeq == tailSeq && counted == 0);
  j = 0; do :: j < MSGS -> assert(committed[j] == consumed[j]); j++ :: else -> j = 0; break od
}
#define CHECKS (2 * N + 2)

proctype closer() { atomic { shut = true } }

init {
  PUT_LOCALS; GET_LOCALS; bool flag, held; byte c;
  atomic {
    tailPos = START; headPos = START; c = 0;
    do
    :: c < N ->
      S[c].lap = LAP(START) - 1; S[c].st = FREE; S[c].own = NONE; S[c].k = 1; c++
    :: else -> break
    od;
#ifdef STALE
    S[X(START + 1)].lap = 200;                       /* looks newer than anything to come */
    S[X(START + 2)].lap = LAP(START + 2); S[X(START + 2)].st = ABORTED; S[X(START + 2)].k = 2;
    S[X(START + 3)].lap = 0;
#endif
    c = 0;
    do :: c < SLOTS -> lock[c] = c + 1; joined[c] = true; c++ :: else -> break od;
    c = 0;
    do :: c < SLOTS + JOINERS -> working[c] = true; running++; c++ :: else -> break od;
    c = 0; do :: c < P -> run producer(c, c * MPER, false); c++ :: else -> break od;
    do :: c < SLOTS -> run getter(c); c++ :: else -> break od;
#ifdef JOIN
    run producer(JOINER, P * MPER, true);
#endif
    c = 0; do :: c < REAPERS -> run reaper(REAPER0 + c); c++ :: else -> break od;
#if CRASHES > 0
    run killer();
#endif
#ifdef SHUT
    run closer();
#endif
    c = 0
  };

  /* The closing check: whoever is left repairs, drains, and can use every line of the ring again. */
  atomic {
    running == 0;
    crashes = CRASHES;
    do
    :: c < SLOTS ->
      if :: ABANDONED(c) -> me = c; repair(); joined[c] = false :: else fi;
      c++
    :: else -> break
    od;
    me = 0; c = 0;
    do
    :: c < CHECKS ->
      tries = 0;
      if
      :: c > 0 -> m = PROBE; k = (c == CHECKS / 2 -> 1 : KMAX); put(1); assert(res == SENT); tries = 0
      :: else
      fi;
      get(1);
      if
      :: c == 0 && res == GOT                        /* still draining */
      :: c == 0 && res == EMPTY -> caughtUp(); c++
      :: c > 0 -> assert(res == GOT && m == PROBE); committed[PROBE] = false; consumed[PROBE] = false; c++
      fi
    :: else -> break
    od;
    caughtUp()
  }
}

/* put, get and repair, each written once and used by every process of ring.pml. */

/*
 * put: message `m` of `k` lines by slot `me`. In: me, m, k. Out: res.
 * `solo` is set in the closing check, where nobody interferes and every loop must end.
 */
#define PUT_LOCALS byte t, ts, h, hs, k, m, j; byte me; mtype res; Word w; byte tries
inline put(solo) {
#ifdef SHUT_EARLY
  atomic { if :: shut && !solo -> res = SHUTDOWN; goto p_end :: else fi };
#endif
  skip;
p_tail:
  atomic {
    t = tailPos; ts = tailSeq;
    if :: solo -> tries++; assert(tries < 4 * N) :: else fi
  };
  atomic {
    load(w, t);
    if
    :: w.lap == LAP(t) -> goto p_help
#ifdef ORDERED_LAP
    :: w.lap > LAP(t) -> goto p_tail
#endif
    :: else
    fi
  };
  /* An unmoved tail proves that no record of this lap stood here when the word was read. */
  atomic { if :: tailPos != t -> goto p_tail :: else fi };
  atomic {
#ifdef PADDING_WRAP
    j = (X(t) + k > N -> N - X(t) : 0);
    if :: t + j + k - headPos > N || ts - headSeq >= MAXSIZE -> j = 0; goto p_full :: else fi
#else
    if :: t + k - headPos > N || ts - headSeq >= MAXSIZE -> goto p_full :: else fi
#endif
  };
  atomic {
    if :: !SAME(t, w) -> j = 0; goto p_tail :: else fi;
#ifdef PADDING_WRAP
    if :: j > 0 -> store(t, PADDING, NONE, j); j = 0; goto p_tail :: else fi;
#endif
#ifdef ANON_CLAIM
    store(t, WRITING, NONE, k);
#else
    store(t, WRITING, me, k);
#endif
    occupy(t, k)
  };
#ifdef ANON_CLAIM
  atomic { S[X(t)].own = me };
#endif
  atomic { casTail(t, ts, k, 1) };
#ifndef SHUT_EARLY
  atomic { if :: shut && !solo -> goto p_abort :: else fi };
#endif
  atomic { data[X(t)] = m + 1 };
#ifdef SHORTEN
  if
  :: k > 1 && !solo ->
#ifdef PAD_LATE
    atomic { commit(1) };
    atomic { pad() };
#else
    atomic { pad() };
    atomic { commit(1) };
#endif
    goto p_end
  :: true
  fi;
#endif
  atomic { commit(k) };
  goto p_end;

p_abort:
  atomic {
    assert(S[X(t)].st == WRITING && S[X(t)].own == me);
    store(t, ABORTED, NONE, k); released(t, k); res = SHUTDOWN
  };
  goto p_end;
p_help:
  atomic { casTail(t, ts, w.k, COUNTS(w.st)) };
  goto p_tail;
p_full:
  atomic { h = headPos; hs = headSeq };
  atomic {
    load(w, h);
    if :: w.lap == LAP(h) && FINAL(w.st) :: else -> res = FULL; goto p_end fi
  };
  atomic { casHead(h, hs, w.k, COUNTS(w.st)) };
  goto p_tail;
p_end: skip
}
inline pad() {
#ifdef PAD_LAP
  S[X(t + 1)].lap = LAP(t); S[X(t + 1)].st = PADDING; S[X(t + 1)].own = NONE; S[X(t + 1)].k = k - 1;
#else
  store(t + 1, PADDING, NONE, k - 1);
#endif
  vacate(t + 1, k - 1)
}
/* The first assertion fails if a reaper took the record of a live process. */
inline commit(lines) {
  assert(S[X(t)].lap == LAP(t) && S[X(t)].st == WRITING && S[X(t)].own == me);
  store(t, READY, NONE, lines);
  assert(!reported || m == PROBE);
  committed[m] = true; res = SENT
}

/* A walk that saw nothing but final records, begun after the flag was seen, is the end. */
#if defined(SHUT_OVER_READING)
#define SHUT_CLEAR (!seen)
#elif defined(SHUT_OVER_WRITING)
#define SHUT_CLEAR (!held)
#else
#define SHUT_CLEAR (!seen && !held)
#endif

/*
 * get by slot `me`. Out: res, and m if GOT. `seen` holds the lines of records seen WRITING.
 */
#define GET_LOCALS byte p, q, h0, seen
inline get(solo) {
  skip;
#ifdef SHUT
  atomic { flag = shut && !solo };
#endif
g_head:
  atomic {
    h0 = headPos; p = h0; q = headSeq; seen = 0; held = false;
    if :: solo -> tries++; assert(tries < 4 * N) :: else fi
  };
g_word:
  atomic {
    load(w, p);
    if
    :: w.lap != LAP(p) || p - h0 >= N -> goto g_end
    :: else
    fi;
    if
#ifdef SHUT_TRUST_DEAD
    :: w.st == WRITING -> goto g_alive
#else
    :: w.st == WRITING -> seen = seen | (1 << X(p)); p = p + w.k; q++; goto g_word
#endif
    :: w.st == READING -> held = true; p = p + w.k; q++; goto g_word
    :: w.st == READY ->
#ifdef NORECHECK
      goto g_claim
#else
      if :: seen -> goto g_check :: else -> goto g_claim fi
#endif
    :: else
    fi
  };
  atomic { casHead(p, q, w.k, COUNTS(w.st)); q = q + COUNTS(w.st); p = p + w.k };
  goto g_word;
#ifdef SHUT_TRUST_DEAD
g_alive:
  atomic {
    if :: lock[w.own] == 0 :: else -> seen = seen | (1 << X(p)) fi;
    p = p + w.k; q++
  };
  goto g_word;
#endif
g_check:
  /* What was skipped may have been committed before the candidate: it must still be WRITING. */
  atomic {
    j = h0;
    do :: !(seen & (1 << X(j))) -> j++ :: else -> break od;
    if
    :: S[X(j)].lap != LAP(j) || S[X(j)].st != WRITING -> j = 0; goto g_head
    :: else -> seen = seen & ~(1 << X(j)); j = 0; if :: seen -> goto g_check :: else fi
    fi
  };
g_claim:
  atomic {
    if :: !SAME(p, w) -> goto g_head :: else fi;
    store(p, READING, me, w.k);
    /* ghost */
    m = data[X(p)] - 1;
    assert(m <= MSGS && committed[m] && !consumed[m]);
    assert(m == PROBE || m % MPER == 0 || claimed[m - 1]);
    claimed[m] = true
  };
  atomic { assert(data[X(p)] == m + 1) };
  if
  :: atomic {
      assert(S[X(p)].lap == LAP(p) && S[X(p)].st == READING && S[X(p)].own == me);
      store(p, FREE, NONE, w.k);
      consumed[m] = true; released(p, w.k)
    };
    atomic { casHead(p, q, w.k, 1); res = GOT }
  :: requeues < REQUEUES && !solo ->
    atomic {
      assert(S[X(p)].lap == LAP(p) && S[X(p)].st == READING && S[X(p)].own == me);
      store(p, READY, NONE, w.k); requeues++; res = EMPTY
    }
  fi;
  goto g_done;
g_end:
  atomic {
    if :: headPos != h0 -> goto g_head :: else fi;
#ifdef SHUT
    if
    :: flag && SHUT_CLEAR ->
      res = SHUTDOWN; reported = true;
      m = 0; do :: m < MSGS -> assert(!committed[m] || consumed[m]); m++ :: else -> m = 0; break od
    :: else -> res = EMPTY
    fi
#else
    res = EMPTY
#endif
  };
g_done: skip
}

/*
 * Repair of everything that slot `me` owns. What a dead process owns pins the head, so a walk that
 * ends with the head where it began has seen it all.
 */
inline repair() {
  skip;
r_head:
  atomic { h0 = headPos; p = h0 };
r_word:
  atomic {
    load(w, p);
    if
    :: w.lap != LAP(p) || p - h0 >= N -> goto r_end
    :: else
    fi;
    if
    :: w.own == me && (w.st == WRITING || w.st == READING)
    :: else -> p = p + w.k; goto r_word
    fi
  };
  atomic {
    if
    :: SAME(p, w) ->
      if
      :: w.st == WRITING -> store(p, ABORTED, NONE, w.k); released(p, w.k)
      :: else -> store(p, READY, NONE, w.k)
      fi
    :: else
    fi;
    p = p + w.k
  };
  goto r_word;
r_end:
  atomic { if :: headPos != h0 -> goto r_head :: else fi }
}

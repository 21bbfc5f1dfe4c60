/* Taking a row: attach lock, load the row word, ask about its holder, lock the next identity, compare-and-swap.
   Newcomers may die or stop for ever before every step; a holder stays, leaves or dies. A prober loads the row
   word, may stall, asks about that identity, and if its lock is free looks at the word once more.
   Locks are the kernel's: freed when the process dies or closes, and not before.
   Claims:
   1  at most one living process holds the row;
   2  the lock of an identity that was read on the row is taken exactly as long as its owner lives and has not closed;
   3  an identity that stood on the row is never locked by another;
   4  who is found dead has died, and not closed;
   5  a last newcomer gets in, unless a living process holds the row or is in the middle of taking it.
   Must fail: NOATTACH (a stalled newcomer locks a dead identity), ROWLOCK (the lock is the row's: the dead look
   alive), CASFIRST (the living look dead), ONELOOK (a closed one looks dead), NOPROBE (two living holders),
   WORDLOCK (the attach lock is a word, which the dead keep). */
#ifndef NP
#define NP 3               /* newcomers 1..NP, and the last one, NP+1 */
#endif
#define LAST  (NP + 1)
#define EMPTY 1
#define HELD  2
#define LEFT  3
#define WHOS  (NP + 3)
#ifdef ROWLOCK
#define LOCK(w) 0
#else
#define LOCK(w) (w)
#endif
byte row = EMPTY;          /* who * 4 + state */
byte attach = 0;           /* which process holds the attach lock */
byte lock[WHOS];           /* which process holds the lock of an identity */
byte owner[WHOS];          /* ghost: whose identity it is, once it stood on the row */
bit gone[NP + 2], died[NP + 2], holds[NP + 2];   /* ghosts */
byte finished = 0;

inline free_all() {        /* the kernel, at the end of a process or of its descriptor */
#ifdef WORDLOCK
  if :: attach == me && !died[me] -> attach = 0 :: else fi;
#else
  if :: attach == me -> attach = 0 :: else fi;
#endif
  i = 0; do :: i < WHOS -> if :: lock[i] == me -> lock[i] = 0 :: else fi; i++ :: else -> break od;
  i = 0; gone[me] = 1; holds[me] = 0
}
#define STEP if :: skip :: me != LAST -> goto dies :: me != LAST -> goto stops fi

inline swap() {
  atomic {
    if
    :: row == found ->
       row = who * 4 + HELD; owner[who] = me; holds[me] = 1; ok = 1;
       i = 1; do :: i <= LAST -> assert(i == me || !holds[i]); i++ :: else -> break od; i = 0
    :: else -> ok = 0
    fi
  }
}
inline lock_identity() {
  atomic {
    if
    :: lock[LOCK(who)] == 0 ->
       assert(owner[who] == 0 || owner[who] == me);   /* claim 3 */
       lock[LOCK(who)] = me; ok = 1
    :: else -> ok = 0
    fi
  }
}

proctype Newcomer(byte me) {
  byte found, who, i; bit ok;
  STEP;
#ifndef NOATTACH
  atomic { if :: attach == 0 -> attach = me; ok = 1 :: else -> ok = 0 fi };
  if :: !ok -> goto loses :: else fi;
  STEP;
#endif
  found = row;
  STEP;
  if
#ifndef NOPROBE
  :: (found & 3) == HELD ->
     atomic { ok = (lock[LOCK(found >> 2)] == 0) };
     if :: !ok -> goto loses :: else fi
#endif
  :: else
  fi;
  who = (found >> 2) + 1;
  STEP;
#ifdef CASFIRST
  swap(); if :: !ok -> goto loses :: else fi;
  STEP;
  lock_identity(); if :: !ok -> goto loses :: else fi;
#else
  lock_identity(); if :: !ok -> goto loses :: else fi;
  STEP;
  swap(); if :: !ok -> goto loses :: else fi;
#endif
  STEP;
  atomic { if :: attach == me -> attach = 0 :: else fi };
  if :: me == LAST -> goto out :: else fi;
  STEP;
  if
  :: goto out                                    /* stays */
  :: atomic { row = who * 4 + LEFT; holds[me] = 0 };
     STEP;
     atomic { free_all() }
  fi;
  goto out;
loses: atomic { free_all() };                    /* closes its descriptor */
  /* Claim 5. Nobody else moves any more, so a lock that is held is held by the living. */
  if :: me == LAST ->
     i = 0; ok = (attach != 0 && !gone[attach]);
     do :: i < WHOS -> ok = ok || (lock[i] != 0 && !gone[lock[i]]); i++ :: else -> break od;
     assert(ok)
  :: else fi;
  goto out;
dies: atomic { died[me] = 1; free_all() };
  goto out;
stops: skip;                                     /* keeps what it holds, for ever */
out: finished++
}

proctype Prober() {
  byte found, who; bit held;
  found = row;
  if :: (found & 3) != HELD -> goto out :: else fi;
  who = found >> 2;
  atomic {                                       /* claim 2 */
    held = (lock[LOCK(who)] != 0);
    assert(held == !gone[owner[who]])
  };
  if :: held -> goto out :: else fi;
#ifdef ONELOOK
  assert(died[owner[who]]);
#else
  if :: row == found -> assert(died[owner[who]]) :: else fi;
#endif
out: skip
}

init {
  byte n = 1;
  atomic { do :: n <= NP -> run Newcomer(n); n++ :: else -> break od; run Prober() };
  (finished == NP);
  run Newcomer(LAST)
}

/* Ticks: a broadcast ring whose messages stand in its entries, behind a stamp; one publisher, subscribers in rows.

   Position p stands in entry p mod R: stamp, two words. Stamp: 0, WRITING(p), WHOLE(p).
   Publisher at n:
     room      as in broadcast.pml: need = n-R+1. While scanned < need: F = need+AHEAD; floor = F if it is behind; fence (JOIN);
               m = F; each row: load life; LOSSLESS: load cursor, m = min(m, cursor); scanned = m. Still behind: wait, or
               sweep the row if its owner is dead, or exchange exactly that life for EVICTED.
     publish   stamp WRITING(n), both words, stamp WHOLE(n), tail.
     take over n = tail; a stamp WHOLE(n): n+1, tail. WRITING(n): nothing, it is written again. Nothing is scanned.
   Subscriber at p:
     join      as in broadcast.pml.
     copy      stamp; of p and WHOLE: both words, stamp again: the same: it is the message of p. Otherwise look once more.
     lossless  its life: changed: evicted. Copy; of a later lap: evicted. Then cursor = p+1.
     lossy     copy; of a later lap: to the floor.
     latest    copy at tail-1; of a later lap: again from the new tail.
     leave     life IDLE.
   Stores of subscribers to cursor and life go through a buffer, first in first out, that is empty after a fence, an
   exchange and a death; with PBUF those of the publisher as well. That loads and stores keep their order otherwise is
   loom's job (loom_ticks). Anybody dies at any step that is marked; whoever follows has another identity. A subscriber
   may stop for ever (STOPS), also in the middle of a copy, or leave (LEAVES).

   Claims:
   1  a copy that is shown is of that position, and of one attempt to write it;
   2  got + lost is what was passed;
   3  who was not evicted loses nothing;
   4  what was shown at a position stays the message of that position;
   5  a position does not go back, nor is a cursor ahead of the publisher;
   6  who joined after the publisher looked is not evicted for it;
   7  in the end all is written and everybody who lives and goes on has passed it all.

   Options: R, M (messages), ROWS, AHEAD, PBUF, KIND0 KIND1 (LOSSLESS 2, LOSSY 3, LATEST 4), EVICT, PDEATHS, DEATHS, STOPS,
   LEAVES (how many at most), NEWEST (all begin with the newest).
   Mutants, which must fail where the table says so:
     NOWRITING    no stamp that says that a message is being written
     NOAGAIN      no second look at the stamp
     CURSORFIRST  cursor before the copy
     TRUSTHALF    the successor takes what is half written for a message
     WORDSFIRST   the words before the stamp WRITING
     WHOLEFIRST   the stamp WHOLE before the second word
     NOREREAD     the joiner keeps the floor read before its life
     STALECURSOR  no provisional cursor
     TRUSTFLOOR   the successor takes the floor as scanned
     SCANNEDF     scanned = F though a cursor was between need and F
     NOFENCERJ    no fence in join
     NOFENCEPJ    no fence of the publisher before the rows (PBUF) */
#ifndef R
#define R 2
#endif
#ifndef ROWS
#define ROWS 1
#endif
#ifndef M
#define M 4
#endif
#ifndef AHEAD
#define AHEAD 0
#endif
#ifndef EVICT
#define EVICT 1
#endif
#ifndef PDEATHS
#define PDEATHS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#define LOSSLESS 2
#define LOSSY 3
#define LATEST 4
#define EVICTED 5
#define IDLE 1
#ifndef KIND0
#define KIND0 LOSSLESS
#endif
#ifndef KIND1
#define KIND1 LOSSLESS
#endif
#define KIND (me==0 -> KIND0 : KIND1)
#define ONE_LOSSLESS (KIND0 == LOSSLESS || (ROWS > 1 && KIND1 == LOSSLESS))
#define WRITING(q) (2*(q)+2)
#define WHOLE(q) (2*(q)+3)
#define LATER(s, q) ((s) > WHOLE(q))

byte tail, floor;
byte stamp[R], one[R], two[R];       /* words: 16*attempt + position+1 */
byte shown[M];                       /* what was read at a position first */
byte life[ROWS], cursor[ROWS];       /* life: joins*64 + who*8 + state */
byte dead;                           /* the kernel's word: a bit for each identity */
byte joined[ROWS];                   /* how often */
byte deaths, stops, leaves;
bit pdone, done[ROWS];

#define DEAD(w) ((dead >> (w)) & 1)
#define LIFE(s) ((joins & 3)*64 + who*8 + (s))
#define STATE(w) ((w) & 7)
#define OWNER(w) (((w) >> 3) & 7)
#define NOBODY(w) (((w) & 248) + IDLE)

/* store buffers of subscribers */
#define CAP 4
#define CURSOR 1
#define LIVES 2
byte bl[ROWS*CAP], bv[ROWS*CAP], bn[ROWS];
byte k;                              /* scratch, 0 outside of d_step */
inline apply(me) {                   /* the oldest store reaches memory */
  if :: bl[me*CAP] == CURSOR -> cursor[me] = bv[me*CAP]
     :: else -> life[me] = bv[me*CAP]; if :: STATE(life[me]) == LOSSLESS -> joined[me]++ :: else fi
  fi;
  k = 0; do :: k < CAP-1 -> bl[me*CAP+k] = bl[me*CAP+k+1]; bv[me*CAP+k] = bv[me*CAP+k+1]; k++ :: else -> break od; k = 0;
  bl[me*CAP+CAP-1] = 0; bv[me*CAP+CAP-1] = 0; bn[me]--
}
#define STORE(l, v) atomic { bn[me] < CAP; d_step { bl[me*CAP+bn[me]] = l; bv[me*CAP+bn[me]] = v; bn[me]++ } }
inline drain() { do :: bn[me] > 0 -> apply(me) :: else -> break od }
inline fence() { d_step { drain() } }

/* store buffer of the publisher */
#define FLOOR 1
#define TAIL 2
#define STAMP 3
#define ONE 4
#ifdef PBUF
#define PCAP 5
byte ql[PCAP], qv[PCAP], qw[PCAP], qn;
inline papply() {
  if :: ql[0] == FLOOR -> floor = qv[0]
     :: ql[0] == TAIL -> tail = qv[0]
     :: ql[0] == STAMP -> stamp[qw[0]] = qv[0]
     :: ql[0] == ONE -> one[qw[0]] = qv[0]
     :: else -> two[qw[0]] = qv[0]
  fi;
  k = 0; do :: k < PCAP-1 -> ql[k] = ql[k+1]; qv[k] = qv[k+1]; qw[k] = qw[k+1]; k++ :: else -> break od; k = 0;
  ql[PCAP-1] = 0; qv[PCAP-1] = 0; qw[PCAP-1] = 0; qn--
}
#define PSTORE(l, v, w) atomic { qn < PCAP; d_step { ql[qn] = l; qv[qn] = v; qw[qn] = w; qn++ } }
#define SET_FLOOR(v) PSTORE(FLOOR, v, 0)
#define SET_TAIL(v) PSTORE(TAIL, v, 0)
#define SET_STAMP(v) PSTORE(STAMP, v, n%R)
#define SET_ONE(v) PSTORE(ONE, v, n%R)
#define SET_TWO(v) PSTORE(5, v, n%R)
inline pdrain() { do :: qn > 0 -> papply() :: else -> break od; k = 0 }
#define BEFORE 1
active proctype PBuffer() { do :: atomic { qn > 0 -> d_step { papply() } } od }
#else
#define BEFORE 0
#define SET_FLOOR(v) floor = v
#define SET_TAIL(v) tail = v
#define SET_STAMP(v) stamp[n%R] = v
#define SET_ONE(v) one[n%R] = v
#define SET_TWO(v) two[n%R] = v
inline pdrain() { skip }
#endif
inline pfence() { d_step { pdrain() } }

#define DIE if :: atomic { pd < PDEATHS -> d_step { pd++; pdrain() } -> goto take_over } :: skip fi
inline room() {
     do
     :: sc > n -> break
     :: sc <= n && n+1+AHEAD <= R -> sc = n+1+AHEAD
     :: sc <= n && n+1+AHEAD > R ->
        if :: floor + R < n+1+AHEAD -> SET_FLOOR(n+1+AHEAD-R) :: else fi;
        DIE;
#ifndef NOFENCEPJ
        pfence();
#endif
        d_step { m = n+1+AHEAD; r = 0; row = 15 };
        do
        :: r < ROWS && ONE_LOSSLESS ->
           w = life[r];
           if :: STATE(w) == LOSSLESS ->
                 d_step { c = cursor[r]; assert(c <= n);     /* claim 5 */
                   if :: c + R < m -> m = c + R; row = r; was = w; at = joined[r] :: else fi; c = 0 }
              :: else
           fi; d_step { w = 0; r++ }
        :: else -> break
        od;
        skip; d_step { r = 0; sc = m;
#ifdef SCANNEDF
          if :: m > n -> sc = n+1+AHEAD :: else fi;
#endif
          m = 0 };
        if
        :: sc > n -> skip
        :: else ->
           if
           :: (life[row] != was || cursor[row] + R > n) -> skip
           :: atomic { (EVICT && life[row] == was) -> d_step { assert(joined[row] == at);   /* claim 6 */
                    life[row] = (was & 248) + EVICTED } }
           :: DEAD(OWNER(was)) -> d_step { if :: life[row] == was -> life[row] = NOBODY(was) :: else fi }
           fi; DIE
        fi; d_step { row = 0; was = 0; at = 0 }
     od;
}
#define VALUE (16*pd + n+1)
proctype Publisher() {
  byte n, sc, r, c, m, w, row, was, pd, at;

take_over: skip;
  d_step { n = tail; r = 0; c = 0; m = 0; w = 0; row = 0; was = 0; at = 0 };
  if :: stamp[n%R] == WHOLE(n) -> n++; tail = n; DIE
#ifdef TRUSTHALF
     :: stamp[n%R] == WRITING(n) -> stamp[n%R] = WHOLE(n); n++; tail = n
#endif
     :: else
  fi;
  sc = n;                                         /* scanned + R, which is not below 0 */
#ifdef TRUSTFLOOR
  sc = floor + R;
#endif

  do
  :: n < M ->
     room();
     DIE;
#ifdef WORDSFIRST
     SET_ONE(VALUE);
#endif
#ifndef NOWRITING
     SET_STAMP(WRITING(n)); DIE;
#endif
#ifndef WORDSFIRST
     SET_ONE(VALUE); DIE;
#endif
#ifdef WHOLEFIRST
     SET_STAMP(WHOLE(n)); SET_TWO(VALUE);
#else
     SET_TWO(VALUE); DIE;
     SET_STAMP(WHOLE(n));
#endif
     DIE;
     SET_TAIL(n+1); n++; DIE
  :: else -> break
  od;
  pdone = 1
}

#define END if :: atomic { deaths < DEATHS -> d_step { deaths++; drain(); dead = dead | (1 << who) } -> goto comes } \
               :: atomic { stops < STOPS -> stops++ -> goto stopped } \
               :: skip fi
/* s: what was found: 0 not there, 1 a copy, 2 overwritten */
inline copy(q) {
  s = stamp[(q)%R];
  if
  :: s == WHOLE(q) ->
     a = one[(q)%R]; END; b = two[(q)%R];
#ifdef NOAGAIN
     s = 1
#else
     if :: stamp[(q)%R] == s -> s = 1 :: else -> s = 2 fi
#endif
  :: LATER(s, q) -> s = 2
  :: else -> s = 0
  fi
}
inline see(q) {
  d_step { assert(a == b && (a & 15) == (q)+1);   /* claim 1 */
    assert(shown[q] == 0 || shown[q] == a);       /* claim 4 */
    shown[q] = a; a = 0; b = 0; s = 0 }
}

proctype Subscriber(byte me) {
  byte gen, who, joins, p, f, w, t, s, a, b, passed, lost, from; bit again;
comes: skip;
  d_step { who = 1 + me + gen*ROWS; gen++; joins = life[me] >> 6; p = 0; f = 0; w = 0; t = 0; s = 0; a = 0; b = 0; passed = 0; lost = 0; again = 0 };
  assert(who < 8);
  w = life[me];
  if :: STATE(w) != IDLE && DEAD(OWNER(w)) -> d_step { if :: life[me] == w -> life[me] = NOBODY(w) :: else fi } :: else fi;
  w = 0; END;

join:
  f = floor;
  if :: KIND == LOSSLESS ->
#ifndef STALECURSOR
        STORE(CURSOR, f);
#endif
        joins++;
        END;
        atomic { bn[me] < CAP; d_step { bl[me*CAP+bn[me]] = LIVES; bv[me*CAP+bn[me]] = LIFE(LOSSLESS); bn[me]++ } };
#ifndef NOFENCERJ
        fence();
#endif
        END;
#ifndef NOREREAD
        f = floor
#endif
     :: else
  fi;
  d_step {
    t = p;
    if :: again -> skip
#ifdef NEWEST
       :: else -> p = tail
#else
       :: else -> p = f
#endif
    fi;
    if :: p > tail -> p = tail :: else fi;
    if :: p < f -> p = f :: else fi;
    assert(!again || p >= t);                     /* claim 5 */
    if :: again -> lost = lost + (p - t) :: else -> from = p; again = 1 fi;
    f = 0; t = 0
  };
  if :: KIND == LOSSLESS -> STORE(CURSOR, p); END; goto lossless
     :: KIND == LOSSY -> goto lossy
     :: else -> goto latest
  fi;

lossless:
  do
  :: p < M ->
     stamp[p%R] > WRITING(p) || life[me] == LIFE(EVICTED);
     if :: STATE(life[me]) == EVICTED -> goto join :: else fi;
#ifdef CURSORFIRST
     STORE(CURSOR, p+1); END;
#endif
     copy(p);
     if
     :: s == 2 -> d_step { s = 0; a = 0; b = 0; assert(life[me] == LIFE(EVICTED)) }; goto join   /* claim 3 */
     :: s == 0 -> skip
     :: else -> see(p);
#ifndef CURSORFIRST
        STORE(CURSOR, p+1); END;
#endif
        goto looked
     fi
  :: else -> goto ends
  od;

lossy:
  do
  :: p < M ->
     stamp[p%R] > WRITING(p);
     copy(p);
     if
     :: s == 2 -> s = 0; a = 0; b = 0;
        if :: LATER(stamp[p%R], p) -> f = floor; d_step { assert(f > p); lost = lost + (f - p); p = f; f = 0 } :: else fi
     :: s == 0 -> skip
     :: else -> see(p); END; goto looked
     fi
  :: else -> goto ends
  od;

latest:
  do
  :: p < M ->
     atomic { tail > p -> t = tail };
     copy(t-1);
     assert(s != 0);
     if
     :: s == 2 -> d_step { s = 0; a = 0; b = 0; t = 0 }
     :: else -> see(t-1); d_step { lost = lost + (t-1-p); p = t-1; t = 0 }; END; goto looked
     fi
  :: else -> goto ends
  od;

looked: skip;
  d_step { passed++; p++ };
  END;
  if
  :: atomic { leaves < LEAVES -> leaves++ };
     if :: KIND == LOSSLESS -> STORE(LIVES, LIFE(IDLE)) :: else fi;
     atomic { bn[me] == 0 -> goto comes }         /* the row says LEFT, and later somebody comes */
  :: skip
  fi;
  if :: KIND == LOSSLESS -> goto lossless :: KIND == LOSSY -> goto lossy :: else -> goto latest fi;

ends: skip;
  d_step { assert(passed + lost == M - from);     /* claim 2 */
    assert(EVICT || KIND != LOSSLESS || lost == 0) };                  /* claim 3 */
  done[me] = 1;
  (0);
stopped:
  done[me] = 1;
  (0)
}
active [ROWS] proctype Buffer() { byte me; me = _pid - BEFORE; do :: atomic { bn[me] > 0 -> d_step { apply(me) } } od }

init {
  byte i;
  atomic {
    do :: i < ROWS -> life[i] = IDLE; run Subscriber(i); i++ :: else -> break od; i = 0;
    run Publisher()
  };
  timeout;
  assert(pdone);                                  /* claim 7 */
  do :: i < ROWS -> assert(done[i]); i++ :: else -> break od
}

/* Broadcast: a ring of entries over a pool of slots, one publisher, subscribers in rows, hazard cells in one table.

   Position p stands in entry p mod R. Pool N = R + 1 claim + H cells. One cell a subscriber.
   Publisher at n:
     claim     need = n-R+1. While scanned < need: F = need+AHEAD; floor = F if it is behind; fence (JOIN); m = F;
               each row: load life; LOSSLESS: load cursor, m = min(m, cursor); scanned = m. Still behind: wait, or
               sweep the row if its owner is dead, or exchange exactly that life for EVICTED.
               A free slot; if there is none (or with EAGER whenever one is retired): fence (COVER), load every cell; retired slots
               that none names become free.
     commit    bytes, progress WHOLE, entry, tail; the slot that stood in the entry is retired.
     begin     progress OPEN|0, entry; advance: byte, progress OPEN|1; finish: byte, WHOLE, tail; break off: BROKEN, tail.
     take over n = tail; an entry of n: OPEN becomes BROKEN; n+1; tail. Slots in no entry are retired; nothing is scanned.
   Subscriber at p:
     comes     sweeps the life of its row and the cells (load, probe, exchange that word), takes a cell by exchange.
     join, lossless  f = floor; cursor = f; life = LOSSLESS with another number; fence (JOIN); f = floor; cursor = start >= f.
     read, lossless  entry; of a later lap: evicted. Progress OPEN: Empty. Cell, cursor = p+1, fence (COVER), life: unchanged: look.
     read, lossy     entry; of a later lap: to the floor. Progress OPEN: Empty, if the entry is still there. Cell, fence (COVER),
                     entry again: equal: look.
     latest          as lossy at tail-1 and, while BROKEN, before it, at most R of them; of a later lap: again from the new tail,
                     but the R-th ends the look: what is being written may stand in its place.
     release         cell = none.  Leave: life IDLE, cell FREE.
   Stores of subscribers to cell, cursor and life go through a buffer, first in first out, that is empty after a fence,
   an exchange and a death; with PBUF those of the publisher to floor, tail, entry and progress as well.
   Anybody dies at any step that is marked (DIE); whoever follows begins at once or later, with another identity. A
   subscriber may also stop for ever (STOPS) or leave (LEAVES). That no two publishers live at once is peers.pml.

   Claims:
   1  a slot that is looked at is whole or OPEN, of that position, and nobody begins to write it;
   2  got + broken + lost is what was passed; broken was broken, and lost was not shown;
   3  who was not evicted loses nothing, and finds its entry;
   4  a claim finds a slot; every slot is free, retired, claimed or in the ring, once;
   5  a position does not go back, nor is a cursor ahead of the publisher;
   6  no part is shown that is not written;
   7  who joined after the publisher looked is not evicted for it;
   8  who comes gets a cell; in the end all is written and everybody who lives and goes on has passed it all.

   Options: R, H, N (one less must fail), M (messages), ROWS, AHEAD, EAGER, PBUF, KIND0 KIND1 (LOSSLESS 2, LOSSY 3, LATEST 4), FROM0 FROM1 (OLDEST,
   NEWEST, or a position), PARTS (messages may be written in parts; 2: all are), READPARTS (subscribers show parts), ABORT (claims given back),
   EVICT, PDEATHS, DEATHS, STOPS, LEAVES (how many at most), SAMEWHO (identities come again), SLOTFIRST (claims look for
   a slot before they look for room).
   Mutants, which must fail where the table says so:
     NOREREAD     the joiner keeps the floor read before its life
     STALECURSOR  no provisional cursor
     NOLIFE       no look at life before the slot
     NOSCAN       the successor takes what is in no entry for free
     TRUSTFLOOR   the successor takes the floor as scanned
     NOFENCER, NOFENCERJ   no fence in read, in join
     NOFENCEPC, NOFENCEPJ  no fence of the publisher before cells, before rows (PBUF)
     CURSORFIRST  cursor before cell: fails with SLOTFIRST
     NOCELL       no cell
     EXCHANGEANY  sweeps by exchanging whatever is there after a probe
     NOPROBE      sweeps without a probe
     NOENTRY      a lossy subscriber does not load the entry again
     SCANNEDF     scanned = F though a cursor was between need and F
     NOBROKEN     the successor does not mark what is OPEN
     PROGRESSFIRST  progress before the bytes
     SAMEJOINS    joins with the same number again: fails with SAMEWHO
     CURSORLATE   a lossless subscriber sees only after its cursor was stored that what it came for is OPEN
     CURSORBACK   (with CURSORLATE) the same, and puts its cursor back */
#ifndef R
#define R 2
#endif
#ifndef ROWS
#define ROWS 2
#endif
#ifndef H
#define H ROWS
#endif
#ifndef N
#define N (R+1+H)
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
#ifndef PARTS
#define PARTS 0
#endif
#ifndef ABORT
#define ABORT 0
#endif
#ifndef READPARTS
#define READPARTS 0
#endif
#ifndef SAMEWHO
#define SAMEWHO 0
#endif
#define OLDEST 100
#define NEWEST 101
#ifndef FROM0
#define FROM0 OLDEST
#endif
#ifndef FROM1
#define FROM1 OLDEST
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
#define FROM (me==0 -> FROM0 : FROM1)
#define ONE_LOSSLESS (KIND0 == LOSSLESS || (ROWS > 1 && KIND1 == LOSSLESS))

/* progress: OPEN with no byte, with one; WHOLE, of two; BROKEN */
#define OPEN0 1
#define OPEN1 2
#define WHOLE 3
#define BROKEN 4
#define NONE 15

byte tail, floor;
byte epos[R], eslot[R];              /* one word: position+1 (0: none), slot */
byte prog[N];
byte life[ROWS], cursor[ROWS];       /* life: joins*64 + who*8 + state */
byte cell[H];                        /* who*16 + slot+1 (0: nothing); 0: FREE */
byte dead;                           /* the kernel's word: a bit for each identity */
byte what[N], bytes[N];              /* what is really in a slot: position+1, how many bytes of it */
byte look[ROWS];                     /* slot+1 that is looked at */
byte broke;                          /* a bit for each position that was given up */
byte joined[ROWS];                   /* how often */
byte deaths, stops, leaves;
bit pdone, done[ROWS];

#define DEAD(w) ((dead >> (w)) & 1)
#define LIFE(s) ((joins & 3)*64 + who*8 + (s))
#define STATE(w) ((w) & 7)
#define OWNER(w) (((w) >> 3) & 7)
#define NOBODY(w) (((w) & 248) + IDLE)

/* store buffers of subscribers */
#define CAP 5
#define CURSOR 1
#define LIVES 2
#define CELL 3
byte bl[ROWS*CAP], bv[ROWS*CAP], bn[ROWS];
byte k;                              /* scratch, 0 outside of d_step */
inline apply(me) {                   /* the oldest store reaches memory */
  if :: bl[me*CAP] == CURSOR -> cursor[me] = bv[me*CAP]
     :: bl[me*CAP] == LIVES -> life[me] = bv[me*CAP]; if :: STATE(life[me]) == LOSSLESS -> joined[me]++ :: else fi
     :: else -> cell[bl[me*CAP]-CELL] = bv[me*CAP]
  fi;
  k = 0; do :: k < CAP-1 -> bl[me*CAP+k] = bl[me*CAP+k+1]; bv[me*CAP+k] = bv[me*CAP+k+1]; k++ :: else -> break od; k = 0;
  bl[me*CAP+CAP-1] = 0; bv[me*CAP+CAP-1] = 0; bn[me]--
}
#define STORE(l, v) atomic { bn[me] < CAP; d_step { bl[me*CAP+bn[me]] = l; bv[me*CAP+bn[me]] = v; bn[me]++ } }
inline drain() { do :: bn[me] > 0 -> apply(me) :: else -> break od }
inline fence() { d_step { drain() } }

/* store buffer of the publisher */
#ifdef PBUF
#define PCAP 5
byte ql[PCAP], qv[PCAP], qw[PCAP], qn;
#define FLOOR 1
#define TAIL 2
#define ENTRY 3
#define PROG 4
inline papply() {
  if :: ql[0] == FLOOR -> floor = qv[0]
     :: ql[0] == TAIL -> tail = qv[0]
     :: ql[0] == ENTRY -> epos[qv[0]%R] = qv[0]+1; eslot[qv[0]%R] = qw[0]
     :: else -> prog[qw[0]] = qv[0]
  fi;
  k = 0; do :: k < PCAP-1 -> ql[k] = ql[k+1]; qv[k] = qv[k+1]; qw[k] = qw[k+1]; k++ :: else -> break od; k = 0;
  ql[PCAP-1] = 0; qv[PCAP-1] = 0; qw[PCAP-1] = 0; qn--
}
#define PSTORE(l, v, w) atomic { qn < PCAP; d_step { ql[qn] = l; qv[qn] = v; qw[qn] = w; qn++ } }
#define SET_FLOOR(v) PSTORE(FLOOR, v, 0)
#define SET_TAIL(v) PSTORE(TAIL, v, 0)
#define SET_ENTRY(s) PSTORE(ENTRY, n, s)
#define SET_PROG(s, v) PSTORE(PROG, v, s)
inline pdrain() { do :: qn > 0 -> papply() :: else -> break od; k = 0 }
#define BEFORE 1
active proctype PBuffer() { do :: atomic { qn > 0 -> d_step { papply() } } od }
#else
#define BEFORE 0
#define SET_FLOOR(v) floor = v
#define SET_TAIL(v) tail = v
#define SET_ENTRY(s) d_step { epos[n%R] = n+1; eslot[n%R] = s }
#define SET_PROG(s, v) prog[s] = v
inline pdrain() { skip }
#endif
inline pfence() { d_step { pdrain() } }

/* load, probe, exchange that word */
inline sweep_cell(i) {
  w = cell[i];
  if
#ifndef NOPROBE
  :: w != 0 && DEAD(w >> 4) ->
#else
  :: w != 0 && (w >> 4) != who ->
#endif
#ifdef EXCHANGEANY
     cell[i] = 0
#else
     d_step { if :: cell[i] == w -> cell[i] = 0 :: else fi }
#endif
  :: else
  fi
}

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
        d_step { m = n+1+AHEAD; r = 0; row = NONE };
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
           :: atomic { (EVICT && life[row] == was) -> d_step { assert(joined[row] == at);   /* claim 7 */
                    life[row] = (was & 248) + EVICTED } }
           :: DEAD(OWNER(was)) ->
              d_step { if :: life[row] == was -> life[row] = NOBODY(was) :: else fi };
              do :: r < H -> sweep_cell(r); d_step { r++; w = 0 } :: else -> break od; r = 0;
           fi; DIE
        fi; d_step { row = 0; was = 0; at = 0 }
     od;
}
inline a_slot() {
     skip; d_step { i = 0; s = 0; do :: i < N -> if :: retired[i] -> s = s | 1 :: freed[i] -> s = s | 2 :: else fi; i++ :: else -> break od; i = 0 };
     if
#ifdef EAGER
     :: s & 1 ->
#else
     :: !(s & 2) ->
#endif
#ifndef NOFENCEPC
        pfence();
#endif
        r = 0; do :: r < H -> seen[r] = cell[r] & 15; r++ :: else -> break od; r = 0;
        d_step { i = 0; do :: i < N ->
            r = 0; do :: r < H && seen[r] != i+1 -> r++ :: else -> break od;
            if :: retired[i] && r == H -> retired[i] = 0; freed[i] = 1 :: else fi; i++ :: else -> break od;
          i = 0; r = 0; do :: r < H -> seen[r] = 0; r++ :: else -> break od; r = 0 }
     :: else
     fi;
     d_step { s = 0; do :: s < N && !freed[s] -> s++ :: else -> break od;
       assert(s < N);                             /* claim 4 */
       freed[s] = 0; x = s;
       what[s] = n+1; bytes[s] = 0;
       r = 0; do :: r < ROWS -> assert(look[r] != s+1); r++ :: else -> break od; r = 0;   /* claim 1 */
       i = 0; do :: i < N -> c = freed[i] + retired[i] + (x == i);
           r = 0; do :: r < R -> c = c + (mine[r] == i); r++ :: else -> break od;
           assert(c == 1); i++ :: else -> break od; i = 0; r = 0; c = 0 };
}
proctype Publisher() {
  byte n, sc, s, i, r, c, m, w, row, was, x = NONE, pd, seen[H], at, who;
  byte mine[R]; bit freed[N], retired[N], part;

take_over: skip;
  d_step { n = tail; s = 0; i = 0; r = 0; c = 0; m = 0; w = 0; row = 0; was = 0; x = NONE; at = 0; part = 0 };
  if :: epos[n%R] == n+1 ->
        if
#ifndef NOBROKEN
        :: prog[eslot[n%R]] < WHOLE -> d_step { prog[eslot[n%R]] = BROKEN; broke = broke | (1 << n) }; DIE
#endif
        :: else
        fi;
        n++; tail = n; DIE
     :: else
  fi;
  d_step {
    i = 0; do :: i < N -> freed[i] = 0; retired[i] = 1; i++ :: else -> break od;
    i = 0; do :: i < R -> if :: epos[i] -> mine[i] = eslot[i]; retired[eslot[i]] = 0 :: else -> mine[i] = NONE fi; i++ :: else -> break od;
#ifdef NOSCAN
    i = 0; do :: i < N -> freed[i] = retired[i]; retired[i] = 0; i++ :: else -> break od;
#endif
    i = 0; sc = n                                 /* scanned + R, which is not below 0 */
#ifdef TRUSTFLOOR
    ; sc = floor + R
#endif
  };

  do
  :: n < M ->
#ifdef SLOTFIRST
     a_slot(); room();
#else
     room(); a_slot();
#endif
     DIE;
     if
     :: ABORT && pd == 0 && m == 0 -> d_step { freed[s] = 1; x = NONE; s = 0; m = 1 }
     :: PARTS < 2 ->
        bytes[s] = 2; SET_PROG(s, WHOLE);
        SET_ENTRY(s); DIE; SET_TAIL(n+1);
        d_step { part = 1 }
     :: PARTS > 0 ->
        SET_PROG(s, OPEN0); SET_ENTRY(s); DIE;
#ifdef PROGRESSFIRST
        SET_PROG(s, OPEN1); bytes[s] = 1; DIE;
#else
        bytes[s] = 1; SET_PROG(s, OPEN1); DIE;
#endif
        if
        :: bytes[s] = 2; SET_PROG(s, WHOLE)
        :: broke = broke | (1 << n); SET_PROG(s, BROKEN)
        fi; DIE;
        SET_TAIL(n+1);
        d_step { part = 1 }
     fi;
     if :: part -> d_step { if :: mine[n%R] != NONE -> retired[mine[n%R]] = 1 :: else fi;
             mine[n%R] = s; x = NONE; n++; s = 0; m = 0; part = 0 }; DIE
        :: else
     fi
  :: else -> break
  od;
  pdone = 1
}

#define END if :: atomic { deaths < DEATHS -> d_step { deaths++; drain(); dead = dead | (1 << who); look[me] = 0 } -> goto comes } \
               :: atomic { stops < STOPS -> stops++ -> goto stopped } \
               :: skip fi
#define NEAR (epos[p%R])
#ifdef NOCELL
#define NAME 0
#else
#define NAME e+1
#endif
inline begin_at(q) {                              /* at q, but not behind tail nor before f */
  d_step {
    if :: q == OLDEST -> p = f :: q == NEWEST -> p = (KIND == LATEST && tail > 0 -> tail-1 : tail) :: else -> p = (q > tail -> tail : q) fi;
    if :: p < f -> p = f :: else fi }
}
inline see() {                                    /* the look begins: e is ours */
  d_step { look[me] = e+1; assert(what[e] == p+1) }
}
inline unsee() { atomic { bn[me] < CAP; d_step { look[me] = 0; bl[me*CAP+bn[me]] = CELL+h; bv[me*CAP+bn[me]] = who*16; bn[me]++ } } }
#define SEEN(v) (v == WHOLE -> 2 : (v == OPEN1 -> 1 : 0))

proctype Subscriber(byte me) {
  byte gen, who, joins, h, p, e, f, w, g, t, passed, lost, from; bit again;
comes: skip;
  d_step { who = 1 + me + (SAMEWHO -> 0 : gen*ROWS); gen++; joins = life[me] >> 6; p = 0; e = 0; f = 0; w = 0; g = 0; t = 0; h = 0; passed = 0; lost = 0; again = 0 };
  assert(who < 8);
  w = life[me];
  if :: STATE(w) != IDLE && DEAD(OWNER(w)) -> d_step { if :: life[me] == w -> life[me] = NOBODY(w) :: else fi } :: else fi;
  do
  :: h < H ->
     sweep_cell(h);
     d_step { w = 0; if :: cell[h] == 0 -> cell[h] = who*16; w = 1 :: else fi };
     if :: w -> break :: else -> h++ fi
  :: else -> break
  od;
  assert(h < H);                                  /* claim 8 */
  w = 0; END;

join:
  f = floor;
  if :: KIND == LOSSLESS ->
#ifndef STALECURSOR
        STORE(CURSOR, f);
#endif
#ifdef SAMEJOINS
        joins = 1;
#else
        joins++;
#endif
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
  if :: !again -> begin_at(FROM); d_step { from = p; again = 1 }
     :: else -> t = p; begin_at(t); d_step { assert(p >= t); lost = lost + (p - t); t = 0 }   /* claim 5 */
  fi;
  f = 0;
  if :: KIND == LOSSLESS -> STORE(CURSOR, p); END; goto lossless
     :: KIND == LOSSY -> goto lossy
     :: else -> goto latest
  fi;

lossless:
  do
  :: p < M ->
     atomic { NEAR > p -> w = NEAR; e = eslot[p%R] };
     if :: w > p+1 ->
           d_step { w = 0; e = 0; assert(life[me] == LIFE(EVICTED)) };   /* claim 3 */
           goto join
        :: else -> w = 0
     fi;
#ifndef CURSORLATE
     g = prog[e];
     if :: g < WHOLE && !READPARTS -> d_step { g = 0; }; (prog[e] >= WHOLE || NEAR != p+1); e = 0; goto lossless :: else fi;
#endif
#ifdef CURSORFIRST
     STORE(CURSOR, p+1); END; STORE(CELL+h, who*16 + NAME); END;
#else
     STORE(CELL+h, who*16 + NAME); END; STORE(CURSOR, p+1); END;
#endif
#ifndef NOFENCER
     fence();
#endif
     atomic {
       if
#ifndef NOLIFE
       :: life[me] != LIFE(LOSSLESS) -> skip
       :: life[me] == LIFE(LOSSLESS) -> see()
#else
       :: see()
#endif
       fi
     };
     if :: !look[me] -> STORE(CELL+h, who*16); g = 0; e = 0; goto join :: else fi;
     END;
#ifdef CURSORLATE
     g = prog[e];
     if :: g < WHOLE && !READPARTS -> g = 0; unsee();
#ifdef CURSORBACK
           STORE(CURSOR, p);
#endif
           (prog[e] >= WHOLE || NEAR != p+1); e = 0; goto lossless
        :: else
     fi;
#endif
     goto looks
  :: else -> goto ends
  od;

lossy:
  do
  :: p < M ->
     atomic { NEAR > p -> w = NEAR; e = eslot[p%R] };
     if :: w > p+1 -> f = floor; d_step { assert(f > p); lost = lost + (f - p); p = f; f = 0; w = 0; e = 0 }; goto lossy
        :: else
     fi;
     g = prog[e];
     if :: g < WHOLE && !READPARTS -> d_step { g = 0; w = 0 }; (prog[e] >= WHOLE || NEAR != p+1); e = 0; goto lossy :: else fi;
     STORE(CELL+h, who*16 + NAME); END;
#ifndef NOFENCER
     fence();
#endif
     atomic {
#ifndef NOENTRY
       if :: NEAR == p+1 && eslot[p%R] == e -> see() :: else fi
#else
       see()
#endif
     };
     w = 0;
     if :: !look[me] -> STORE(CELL+h, who*16); d_step { e = 0; g = 0 }; goto lossy :: else fi;
     END;
     goto looks
  :: else -> goto ends
  od;

latest:                                           /* t: the tail; f: how many before it were BROKEN */
  do
  :: p < M ->
     atomic { tail > p -> t = tail };
back:
     if :: f == t - p || f == R -> d_step { passed = passed + f; lost = lost + (t-f-p); p = t; t = 0; f = 0 }; goto latest :: else fi;
     atomic { w = epos[(t-f-1)%R]; e = eslot[(t-f-1)%R] };
     if :: w != t-f ->
overtaken: skip; d_step { assert(epos[(t-f-1)%R] > t-f); w = 0; e = 0; g = 0 };
           if :: f+1 == R -> d_step { passed = passed + f; lost = lost + (t-f-p); p = t }
              :: else
           fi; d_step { t = 0; f = 0 }; goto latest
        :: else
     fi;
     g = prog[e];
     if :: g < WHOLE -> d_step { assert(epos[(t-f-1)%R] != w || eslot[(t-f-1)%R] != e) }; goto overtaken :: else fi;
     STORE(CELL+h, who*16 + NAME); END;
#ifndef NOFENCER
     fence();
#endif
     atomic {
#ifndef NOENTRY
       if :: epos[(t-f-1)%R] == w && eslot[(t-f-1)%R] == e -> d_step { look[me] = e+1; assert(what[e] == w) } :: else fi
#else
       d_step { look[me] = e+1; assert(what[e] == w) }
#endif
     };
     if :: !look[me] -> STORE(CELL+h, who*16); goto overtaken :: else fi;
     END;
     d_step { assert((g == BROKEN) == ((broke >> (w-1)) & 1)); assert(prog[e] == g); assert(g == BROKEN || bytes[e] == 2) };
     unsee(); END;
     if :: g == BROKEN -> d_step { f++; g = 0; w = 0; e = 0 }; goto back
        :: else -> d_step { lost = lost + (t-f-1-p); passed = passed + f + 1; p = t; t = 0; f = 0; g = 0; w = 0; e = 0 }
     fi
  :: else -> goto ends
  od;

looks: skip;                                      /* at e, whose progress is g */
  d_step { assert(bytes[e] >= SEEN(g)); assert(READPARTS || g == prog[e]); g = 0 };  /* claim 6 */
  do
  :: prog[e] == WHOLE -> d_step { assert(bytes[e] == 2 && !((broke >> p) & 1)) }; break
  :: prog[e] == BROKEN -> d_step { assert((broke >> p) & 1) }; break
  :: READPARTS && prog[e] == OPEN1 && g != OPEN1 -> d_step { assert(bytes[e] >= 1); g = OPEN1 }
  od;
  END;
  unsee();
  d_step { passed++; p++; e = 0; g = 0 };
  END;
  if
  :: atomic { leaves < LEAVES -> leaves++ };
     if :: KIND == LOSSLESS -> STORE(LIVES, LIFE(IDLE)) :: else fi;
     STORE(CELL+h, 0);
     atomic { bn[me] == 0 -> goto comes }         /* the row says LEFT, and later somebody comes */
  :: skip
  fi;
  if :: KIND == LOSSLESS -> goto lossless :: else -> goto lossy fi;

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
  assert(pdone);                                  /* claim 8 */
  do :: i < ROWS -> assert(done[i]); i++ :: else -> break od
}

/* mpmc, Fast: slot words, swept by whoever is blocked; redelivery or drop; Closed.

   Word of a slot: [lap|who|state]. Position = lap*N+slot; every place starts at lap 1.
     FREE(l) -claim: CAS-> WRITING(w,l) -commit: store-> FULL(l) -take: CAS-> READING(w,l) -release: store-> FREE(l+1)
     abort: WRITING(me,l) -store-> FREE(l+1)
   tail and head are hints that only CAS moves; with -DLAZY a peer keeps a private place, may or may not
   adopt a hint that is ahead of it, and may or may not move the hint.
   Producer at t: slot's lap behind: full; FREE(t): CAS; else t+1.
   Consumer at h: FULL(h): CAS; FREE(h) or lap behind: empty; WRITING(h): busy; else h+1.
   Sweep, slot by slot: load the word; its owner is not me: probe; dead: CAS that word; failed: load and probe again.
     WRITING(dead,l) -> FREE(l+1).
     READING(dead,l) -> ORPHAN(l), then orphans+1; a sweep that sees an ORPHAN: orphans+1 at its end.
   Adopt, while orphans is not what it was before the last complete scan that found none: ORPHAN(l) -CAS-> READING(me,l),
     then fate = (deliveries+1, dropped), then show it, flagged, then release;
     at the LIMIT fate = (DROPPED, dropped+1) instead, unless it is DROPPED already, then FREE(l+1).
     A producer that commits clears the deliveries.
   Closed: every producer was seen to be gone, and after that every slot was seen neither FULL, WRITING, ORPHAN nor READING.

   Of `orphans` only this is kept: has it changed since the remembered value (dirty), since the last load (loaded).
   Blocked peers sweep, and look before Closed, only where that would change something; so whoever waits for ever
   is an invalid end state. With -DATWILL they do it whenever they are blocked (safety only). A pure sweeper is a
   newcomer: it sweeps once, at any time, and may stop there. DIE participants die, at any step, but never all consumers.

   Options: N NP NC MSG (per producer) SWEEPERS DIE, LIMIT (how often a message is shown at most; 1 is the policy Drop),
   ABORT, LAZY, ATWILL, LAPS (laps are compared modulo it),
   LAPFATE (fate names its lap, and nobody clears).
   Mutants that must fail, with the options of the table:
     PROBEFIRST  probes, then loads the word that it exchanges
     RETRY       exchanges the word that made its CAS fail, without a probe
     TAILSTORE   moves tail by a plain store (LAPS=4)
     INPLACE     READING(dead) -> FULL
     NOSEEN      a sweep that sees an ORPHAN does not add; alone, with ADDFIRST (adds before the CAS), or with
                 LOADAFTER (remembers the value loaded after the scan); the latter two alone are made good by it
     NOLAP       counts a dropped message without a look at fate
     NOMARK      (LAPFATE) takes the lap in fate alone for "dropped"
     NOCLEAN     nobody clears
     NOFATE, FATELATE   deliveries not stored, or after the message is shown
     NOLOOKR, NOLOOKO   the look passes READING, ORPHAN
     LOOKFIRST   looks, then sees that the producers are gone
   NOLOOKW, the look passes WRITING, must not fail: it can only be a dead producer's. */
#ifndef N
#define N 2
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef MSG
#define MSG 1
#endif
#ifndef SWEEPERS
#define SWEEPERS 1
#endif
#ifndef DIE
#define DIE 1
#endif
#ifndef LIMIT
#define LIMIT 9
#endif
#define NONE 15
#define DROPPED 15
#define FREE 0
#define WRITING 1
#define FULL 2
#define READING 3
#define ORPHAN 4
#define ALL (NP+NC+SWEEPERS)
byte st[N], lp[N], ow[N];            /* the words */
byte fl[N], fd[N], fn[N];            /* fate: lap, deliveries, dropped */
byte tail=N, head=N;
byte dirty, loaded;                  /* a bit for each consumer: orphans changed since */
byte dead, left;                     /* a bit for each participant: the kernel's word; has gone by itself */
byte val[N], hold[N];                /* what stands in the slot; whose it really is */
byte com, rel, drp;                  /* a bit for each message: committed, released, dropped */
byte last[NP];                       /* first deliveries of each producer */
byte shows[NP*MSG];

#define BIT(x) (1<<(x))
#define DEAD(x) ((dead>>(x))&1)
#define PRODUCERS (BIT(NP)-1)
#define CONSUMERS ((BIT(NC)-1)<<NP)
#define GONE (((dead|left)&PRODUCERS)==PRODUCERS)
#ifdef LAPS
#define LAP(l) ((l)%LAPS)
#define AHEAD(q,l) (((q)+LAPS-(l))%LAPS>0 && ((q)+LAPS-(l))%LAPS<(LAPS/2))
#else
#define LAP(l) (l)
#define AHEAD(q,l) ((q)>(l))
#endif
#define SAME(j) (st[j]==s && lp[j]==q && ow[j]==o)
#define LOAD(j) d_step{ s=st[j]; q=lp[j]; o=ow[j] }
#define SET(j,x,l,w,h) st[j]=x; lp[j]=LAP(l); ow[j]=w; hold[j]=h
#define MINE(j,x) (st[j]==x && ow[j]==me && hold[j]==me)
#define MSGBIT(j) BIT(val[j]-1)

/* would a sweep change anything? */
#define OWNED(j) ((st[j]==WRITING || st[j]==READING) && DEAD(ow[j]))
#ifdef NOSEEN
#define UNSEEN(j) 0
#else
#define UNSEEN(j) (st[j]==ORPHAN && ((dirty|dead|left)&CONSUMERS)!=CONSUMERS)
#endif
/* may this slot be passed by the look before Closed? */
#ifdef NOLOOKR
#define OVERR(x) ((x)==READING)
#else
#define OVERR(x) 0
#endif
#ifdef NOLOOKO
#define OVERO(x) ((x)==ORPHAN)
#else
#define OVERO(x) 0
#endif
#ifdef NOLOOKW
#define OVERW(x) ((x)==WRITING)
#else
#define OVERW(x) 0
#endif
#define OVER(x) ((x)==FREE || OVERR(x) || OVERO(x) || OVERW(x))
#define TAKEN(j) (st[j]!=FREE || hold[j]!=NONE)
#if N==1
#define ANYSLOT(c) (c(0))
#define OVERALL (OVER(st[0]))
#define COUNTED fn[0]
#elif N==2
#define ANYSLOT(c) (c(0) || c(1))
#define OVERALL (OVER(st[0]) && OVER(st[1]))
#define COUNTED (fn[0]+fn[1])
#else
#define ANYSLOT(c) (c(0) || c(1) || c(2))
#define OVERALL (OVER(st[0]) && OVER(st[1]) && OVER(st[2]))
#define COUNTED (fn[0]+fn[1]+fn[2])
#endif
#ifdef ATWILL
#define MAYSWEEP 1
#define MAYLOOK GONE
#else
#define MAYSWEEP (ANYSLOT(OWNED) || ANYSLOT(UNSEEN))
#define MAYLOOK (GONE && OVERALL)
#endif

#ifdef LAZY
#define START(hint) if :: hint>t -> t=hint :: 1 fi
#define HELP(hint) if :: d_step{ hint<t+1 -> hint=t+1; t++ } :: t++ fi
#define MOVED(hint) (hint>t)
#define FORGET i=0
#else
#define START(hint) t=hint
#ifdef TAILSTORE
#define HELP(hint) hint=t+1
#else
#define HELP(hint) d_step{ if :: hint==t -> hint=t+1 :: else fi }
#endif
#define MOVED(hint) (hint!=t)
#define FORGET i=0; t=0
#endif

inline swap(j,x,l,w,h){ d_step{ if :: SAME(j) -> SET(j,x,l,w,h); ok=1 :: else -> ok=0 fi } }
inline add(){ d_step{ dirty=CONSUMERS; loaded=CONSUMERS } }

/* does fate speak of the message that stands in the slot? */
#ifndef LAPFATE
#define FATED(j) 1
#ifdef NOCLEAN
#define CLEAN(j) skip
#else
#define CLEAN(j) fd[j]=0
#endif
#else
#define FATED(j) (fl[j]==q)
#define CLEAN(j) skip
#endif

/* the owner gives the place back: released, dropped, or never committed */
inline giveback(j,x,set){
  d_step{ assert(MINE(j,x));
    if :: val[j] -> assert(!((rel|drp)&MSGBIT(j))); set=set|MSGBIT(j) :: else fi;
    val[j]=0; SET(j,FREE,q+1,NONE,NONE) } }

/* the owner counts the message of lap q as dropped, once */
inline drop(j){
  d_step{ assert(MINE(j,READING));
    if
#ifdef NOLAP
#elif defined(NOMARK)
    :: fl[j]==q -> skip
#else
    :: FATED(j) && fd[j]==DROPPED -> skip
#endif
    :: else -> fl[j]=q; fd[j]=DROPPED; fn[j]++
    fi };
  giveback(j,READING,drp) }

#define SHOWN(j) (FATED(j) -> fd[j] : 0)       /* redeliveries begun */
#define ATLIMIT(j) (SHOWN(j)+1>=LIMIT)
#ifdef PROBEFIRST
#define PROBED d          /* probed whose word it was, then loaded the word */
#elif defined(RETRY)
#define PROBED (d || DEAD(o))
#else
#define PROBED DEAD(o)
#endif
#ifdef RETRY
#define AGAIN d=1         /* takes the word that made the CAS fail for the dead's */
#else
#define AGAIN skip
#endif
#define SWAPPED(j,x,l,w) d_step{ if :: SAME(j) -> assert(DEAD(hold[j])); SET(j,x,l,w,w); ok=1 :: else -> ok=0 fi }
#define CLEARED(j) d_step{ if :: SAME(j) -> assert(DEAD(hold[j])); val[j]=0; SET(j,FREE,q+1,NONE,NONE); ok=1 :: else -> ok=0 fi }

inline sweep(){
  do
  :: j==N -> break
  :: else ->
#ifdef PROBEFIRST
     d_step{ d=(ow[j]!=NONE && DEAD(ow[j])) };
#endif
     LOAD(j);
     if
     :: (s==WRITING || s==READING) && o!=me ->
        if
        :: !PROBED -> d_step{ j++; ok=0 }
        :: PROBED && s==WRITING -> CLEARED(j);
           if :: ok -> d_step{ j++; d=0 } :: else -> AGAIN fi
        :: PROBED && s==READING ->
#ifdef ADDFIRST
           add();
#endif
#ifdef INPLACE
           SWAPPED(j,FULL,q,NONE);
#else
           SWAPPED(j,ORPHAN,q,NONE);
#endif
           if
           :: ok ->
#ifndef ADDFIRST
              add();
#endif
              d_step{ j++; d=0 }
           :: else -> AGAIN
           fi
        fi
     :: s==ORPHAN -> d_step{ saw=1; j++ }
     :: else -> j++
     fi
  od;
#ifndef NOSEEN
  if :: saw -> add() :: else fi;
#endif
  atomic{ j=0; s=0; q=0; o=0; ok=0; saw=0; d=0 } }

proctype P(byte me){ byte t=N, i, s, q, o, k, j; bool ok, saw, d;
#ifdef ABORT
  bool gave;
#endif
  { do
    :: k==MSG -> break
    :: k<MSG ->
       atomic{ START(tail); i=t%N }; LOAD(i);
       if
       :: q==LAP(t/N) && s==FREE ->
          d_step{ if :: SAME(i) -> assert(hold[i]==NONE); SET(i,WRITING,q,me,me); ok=1 :: else -> ok=0 fi };
          if
          :: ok -> HELP(tail);
             if
             :: d_step{ assert(MINE(i,WRITING)); CLEAN(i); val[i]=me*MSG+k+1; com=com|MSGBIT(i);
                  SET(i,FULL,q,NONE,NONE); k++ }
#ifdef ABORT
             :: !gave -> gave=1; giveback(i,WRITING,drp)
#endif
             fi
          :: else
          fi
       :: (q==LAP(t/N) && s!=FREE) || AHEAD(q,LAP(t/N)) -> HELP(tail)
       :: else ->                                                                     /* full */
          if
          :: !SAME(i) || MOVED(tail)
          :: MAYSWEEP -> sweep()
          fi
       fi;
       d_step{ FORGET; s=0; q=0; o=0; ok=0 }
    od;
    left=left|BIT(me) } unless { DEAD(me) } }

/* the owner shows a message: never unflagged after it was shown, flagged only if somebody took it and died */
#define SHOW(j,flag) shows[val[j]-1]++; assert(shows[val[j]-1]==1 || flag); assert(shows[val[j]-1]<=LIMIT)

inline adopted(){
  if
  :: ATLIMIT(j) -> drop(j)
  :: else ->
#ifdef FATELATE
     d_step{ assert(MINE(j,READING)); SHOW(j,1) };
#endif
#ifndef NOFATE
     d_step{ assert(MINE(j,READING)); if :: FATED(j) -> fd[j]++ :: else -> fl[j]=q; fd[j]=1 fi };
#endif
#ifndef FATELATE
     d_step{ assert(MINE(j,READING)); SHOW(j,1) };
#endif
     giveback(j,READING,rel)
  fi }

proctype C(byte me){ byte t=N, i, s, q, o, j; bool ok, saw, d;
  { do
    :: d_step{ dirty&BIT(me) -> loaded=loaded&~BIT(me) };                             /* adopt */
       do
       :: j==N ->
#ifdef LOADAFTER
          d_step{ loaded=loaded&~BIT(me); dirty=dirty&~BIT(me) };
#else
          d_step{ if :: !(loaded&BIT(me)) -> dirty=dirty&~BIT(me) :: else fi };
#endif
          break
       :: else -> LOAD(j);
          if
          :: s==ORPHAN ->
             d_step{ if :: SAME(j) -> assert(hold[j]==NONE); SET(j,READING,q,me,me); ok=1 :: else -> ok=0 fi };
             if :: ok -> adopted() :: else fi;
             break
          :: else -> j++
          fi
       od;
       atomic{ j=0; s=0; q=0; o=0; ok=0 }
    :: atomic{ !(dirty&BIT(me)) -> START(head); i=t%N }; LOAD(i);
       if
       :: q==LAP(t/N) && s==FULL ->
          d_step{ if :: SAME(i) ->
                     assert(hold[i]==NONE && val[i]); SET(i,READING,q,me,me); ok=1;
                     assert((val[i]-1)%MSG==last[(val[i]-1)/MSG]); last[(val[i]-1)/MSG]++   /* once, in order, no gap */
                  :: else -> ok=0 fi };
          if
          :: ok -> HELP(head);
             d_step{ assert(MINE(i,READING)); SHOW(i,0) };
             giveback(i,READING,rel)
          :: else
          fi
       :: (q==LAP(t/N) && (s==READING || s==ORPHAN)) || AHEAD(q,LAP(t/N)) -> HELP(head)
       :: else ->                                                                     /* empty, busy */
          if
          :: !SAME(i) || MOVED(head) || (dirty&BIT(me))
          :: MAYSWEEP -> sweep()
#ifdef LOOKFIRST
          :: OVERALL ->
#else
          :: MAYLOOK ->
#endif
             do
             :: j==N -> break
             :: else -> LOAD(j); if :: OVER(s) -> j++ :: else -> break fi
             od;
#ifdef LOOKFIRST
             if :: j==N && GONE -> break :: else fi;
#else
             if :: j==N -> break :: else fi;
#endif
             j=0
          fi
       fi;
       d_step{ FORGET; s=0; q=0; o=0; ok=0 }
    od;
    atomic{ assert(GONE && com==(rel|drp));            /* Closed: nothing is left, and nothing can come back */
#ifndef NOLOOKW
      assert(!ANYSLOT(TAKEN));
#endif
      j=0; q=0; do :: j==NP*MSG -> break :: else -> q=q+((drp>>j)&1); j++ od;
      assert(q==COUNTED); j=0; q=0; left=left|BIT(me) } } unless { DEAD(me) } }

/* a newcomer: sweeps once, at any time, and may die or stop there */
proctype S(byte me){ byte s, q, o, j; bool ok, saw, d;
  { sweep(); left=left|BIT(me) } unless { DEAD(me) } }

/* chooses who dies, and when; one consumer lives, or has got Closed */
#define MORTAL(v) (v<ALL && !(((dead|left)>>v)&1) && (CONSUMERS&~(dead|BIT(v)))!=0)
#define KILL(v) :: atomic{ MORTAL(v) -> dead=dead|BIT(v); n++; if :: n==DIE -> break :: else fi }
proctype K(){ byte n; do KILL(0) KILL(1) KILL(2) KILL(3) KILL(4) KILL(5) KILL(6) :: break od }

init{ byte j; atomic{
  do :: j<N -> ow[j]=NONE; hold[j]=NONE; lp[j]=1; j++ :: else break od; j=0;
  do :: j<NP -> run P(j); j++ :: else break od; do :: j<NP+NC -> run C(j); j++ :: else break od;
  do :: j<ALL -> run S(j); j++ :: else break od; j=0;
  if :: DIE>0 -> run K() :: else fi } }

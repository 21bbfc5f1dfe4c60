/* Slot words, one mode: owners commit and release by plain stores, whoever passes a stopped owner does the heavy work.

   Two words for a slot, in one line:
     state  [lap|who|state]  FREE(l) -claim: CAS-> WRITING(w,l) -commit: store-> FULL(w,l) -take: CAS-> READING(w,l)
                             -release: store-> FREE(l+1). While it is held its holder alone writes it.
     pass   [passed|wanted]  two laps, passed <= wanted; changed by CAS only, and rises only.
   Position = lap*N+slot. Stores go through store buffers: one entry for each slot, emptied in any order at any time, by
   every CAS of their owner, and by the heavy barrier, one participant after the other (a stopped one may be full until then).
   The lap of FREE(l) is max(l, passed+1). A place is SETTLED when passed has its lap, or the slot's lap is later, or
   equal and not FREE. tail and head are hints; far and floor are those of slotword_strict.pml.

   Commit:   y = the least lap from its own on with place >= floor; if it is not its own: far = max(far, place+1);
             store FULL(me,y), compiler fence, load pass. wanted < y: committed.
             Else far = ..., CAS FULL(me,y) -> FULL(me,wanted+1), and look again; CAS failed: it was taken, so committed.
   Release:  store FREE(l+1). Nothing else.
   Pass x:   wanted = max(wanted, x); heavy barrier; load state. Still held (WRITING(l), l <= wanted; READING(l), l < wanted;
             FULL(l), l <= passed, whose owner is about to move it): CAS passed = wanted. Who finds a wish of another
             does all this from the barrier on.
   Producer at place t: settled: go on. FREE(t): CAS -> WRITING(me,t), or, t < floor, -> FREE(next lap). Behind and held:
             pass it if t < floor or a later place is FREE. Otherwise full.
   Consumer at place h: FULL(h): CAS -> READING(me), whatever pass says. Settled and not WRITING, or passed: go on.
             FREE, and h < far, and a later FULL: CAS -> FREE(next lap). WRITING(h), or behind and held and h < far:
             pass it if there is a later FULL. Otherwise empty.
   Sweep (-DSWEEP: those that stop are dead): load, probe, CAS: WRITING(dead), READING(dead), and FULL(dead,l), l <= passed
             (never committed: its owner had not looked) -> FREE(l+1).

   A message counts as committed when commit returns. One whose owner stops between its store and its look is taken or not.
   STOPS participants, or fewer, stop for ever at any step; the others must finish. A pause is an interleaving.

   Options: N NP NC MSG STOPS WHO TWO SWEEP as in slotword_strict.pml; LIGHTREADER (no barrier where the holder reads);
   APART=1, APART=2 (hint, pass and state, or hint, state and pass, are loaded one after the other);
   BLINDCLAIM (who finds FREE(t) claims it, whatever pass says);
   RSEQ (load pass, then store, as a section that the barrier restarts; nobody looks after the store).
   Must fail: CHECKFIRST (the same without a restart), NOBARRIER, ONEPHASE (passed at once, then the barrier),
   BORROWED (a wish of another is confirmed without a barrier), IGNOREWISH (only `passed` moves a commit), NOLOOK,
   STAY (what is FULL at a passed place is left there),
   SWEEPHELD (-DSWEEP: only WRITING and READING are swept), and as in slotword_strict.pml NOFAR, NOGAIN, NOFLOOR, LATEFAR */
#ifndef N
#define N 2
#endif
#ifndef NP
#define NP 2
#endif
#ifndef NC
#define NC 1
#endif
#ifndef MSG
#define MSG 1
#endif
#ifndef LAPS
#define LAPS 12
#endif
#ifndef STOPS
#define STOPS 1
#endif
#ifndef WHO
#define WHO 255
#endif
#ifndef APART
#define APART 0
#endif
#define ALL (NP+NC)
#define NONE 15
#define FREE 0
#define WRITING 1
#define FULL 2
#define READING 3
byte st[N], lp[N], ow[N];       /* state: as memory has it */
byte passed[N], wanted[N];      /* pass */
byte by[N], bs[N], bl[N];       /* a store that waits: whose, FULL or FREE, of which lap */
byte val[N], hold[N];           /* the message; who may touch it, as an observer knows */
byte tail, head, far;
byte stop, done;                /* a bit for each participant */
byte comm[NP], last[NP];        /* how many were committed; the last that was taken */
#if defined(RSEQ) || defined(CHECKFIRST)
bool sec[NP];                   /* between the load of pass and the store */
#endif

#define BIT(x) (1<<(x))
#define IN(set,x) (((set)>>(x))&1)
#define LAP(j) ((st[j]==FREE && passed[j]>=lp[j]) -> passed[j]+1 : lp[j])
#define IS(j,x,p) (st[j]==x && (LAP(j))*N+(j)>(p) && (j)!=(p)%N)
#if N==2
#define ANY(f) (f(0) || f(1))
#define BOTH(f) (f(0) && f(1))
#define LATER(x,p) (IS(0,x,p)||IS(1,x,p))
#else
#define ANY(f) (f(0) || f(1) || f(2))
#define BOTH(f) (f(0) && f(1) && f(2))
#define LATER(x,p) (IS(0,x,p)||IS(1,x,p)||IS(2,x,p))
#endif

/* one's own store that waits is seen by oneself */
#define ST(j) (by[j]==me -> bs[j] : st[j])
#define LP(j) (by[j]==me -> bl[j] : lp[j])
#define OW(j) (by[j]==me -> (bs[j]==FULL -> me : NONE) : ow[j])
#define LOAD s=ST(i); q=LP(i); o=OW(i)
#define LOADPASS x=passed[i]; r=wanted[i]
/* The place of the hint, and both words of its slot; e is the lap of the state, by what is known of pass. */
#define PLACE(hint) t=hint; i=t%N; w=t/N
#define LAPSEEN e=q; if :: s==FREE && x>=q -> e=x+1 :: else fi
#if APART==1
#define LOOK(hint) d_step{ PLACE(hint) }; d_step{ LOADPASS }; d_step{ LOAD; LAPSEEN }
#elif APART==2
#define LOOK(hint) d_step{ PLACE(hint) }; d_step{ LOAD }; d_step{ LOADPASS; LAPSEEN }
#else
#define LOOK(hint) d_step{ PLACE(hint); LOADPASS; LOAD; LAPSEEN }
#endif
#define SEEN(j) (ST(j)==s && LP(j)==q && OW(j)==o && passed[j]==x && wanted[j]==r)

#define OUT(j) st[j]=bs[j]; lp[j]=bl[j]; ow[j]=(bs[j]==FULL -> by[j] : NONE); hold[j]=NONE; \
  if :: bs[j]==FREE -> val[j]=0 :: else fi; by[j]=NONE; bs[j]=0; bl[j]=0
#define OUTOF(w,j) if :: by[j]==(w) -> OUT(j) :: else fi
#if N==2
#define DRAIN(w) OUTOF(w,0); OUTOF(w,1)
#else
#define DRAIN(w) OUTOF(w,0); OUTOF(w,1); OUTOF(w,2)
#endif
#define MEM(j) (st[j]==s && lp[j]==q && ow[j]==o)
inline cas(zst,zlp,zow,zhold){ d_step{ DRAIN(me);
  if :: MEM(i) -> st[i]=zst; lp[i]=zlp; ow[i]=zow; hold[i]=zhold; ok=1; assert(zlp<LAPS) :: else -> ok=0 fi } }
inline raise(zlp){ d_step{ DRAIN(me); if :: far<(zlp)*N+c+1 -> far=(zlp)*N+c+1 :: else fi } }
inline help(hint){ d_step{ DRAIN(me); if :: hint==t -> hint=t+1 :: else fi } }

#if defined(RSEQ)
#define RESTART(w) if :: (w)<NP -> sec[w]=0 :: else fi
#else
#define RESTART(w) skip
#endif
#define HELD ((s==WRITING && q<=r) || (s==READING && q<r) || (s==FULL && q<=x))
#if defined(NOBARRIER)
#define HEAVY 0
#elif defined(BORROWED)
#define HEAVY mine
#elif defined(LIGHTREADER)
#define HEAVY (s!=READING)
#else
#define HEAVY 1
#endif
#ifdef LIGHTREADER
#define LIGHTLY (s==READING)   /* no barrier was issued: only a reader may be passed */
#else
#define LIGHTLY 1
#endif
#ifdef ONEPHASE
#define WISH wanted[i]=w; passed[i]=w; r=w; x=w
#else
#define WISH wanted[i]=w; r=w
#endif
/* slot i, lap w; pass and state were loaded as x, r and s, q, o */
inline pass(){
  d_step{ ok=1; mine=0;
    if :: r<w -> DRAIN(me); mine=1;
          if :: passed[i]==x && wanted[i]==r -> WISH :: else -> ok=0 fi
       :: else fi;
    light=(HEAVY==0) }
  if
  :: ok ->
     do
     :: b<ALL && !light -> d_step{ DRAIN(b); RESTART(b); b++; if :: b==me -> b++ :: else fi }
     :: else -> break
     od;
     atomic{ b=0; LOAD };
     if :: HELD && (!light || LIGHTLY) -> d_step{ DRAIN(me); if :: passed[i]==x && wanted[i]==r -> passed[i]=r :: else fi } :: else fi
  :: else
  fi; d_step{ light=0; mine=0 } }

#ifdef BLINDCLAIM
#define MINE (s==FREE && t>=floor && (q==w || (e==w && x<w)))
#else
#define MINE (s==FREE && t>=floor && e==w && x<w)
#endif
inline claim(){
  do
  :: LOOK(tail);
     if
     :: MINE ->
        cas(WRITING,w,me,me);
        if :: ok -> c=i; help(tail); break :: else fi
     :: !MINE && (x>=w || e>w || (e==w && s!=FREE)) -> help(tail)
     :: x<w && e==w && s==FREE && t<floor -> cas(FREE,w+1,NONE,NONE)
     :: x<w && e<w ->
        if
        :: s!=FREE && (s!=FULL || q<=x) && SEEN(i) && tail==t && (t<floor || LATER(FREE,t)) -> pass()
        :: !SEEN(i) || tail!=t
        fi
     fi
  od; atomic{ i=0; t=0; w=0; e=0; s=0; q=0; o=0; x=0; r=0; ok=0 } }

#define STORE(y) assert(by[c]==NONE && st[c]==WRITING && ow[c]==me); by[c]=me; bs[c]=FULL; bl[c]=y; assert((y)<LAPS)
inline commit(){
  d_step{ val[c]=me*MSG+k+1; assert(hold[c]==me && st[c]==WRITING && ow[c]==me); q=lp[c]; w=q;
#ifndef NOFLOOR
    do :: w*N+c<floor -> w++ :: else -> break od
#endif
  }
#if defined(RSEQ) || defined(CHECKFIRST)
  do
  :: if :: w!=q -> raise(w) :: else fi;
     atomic{ r=wanted[c]; sec[me]=(r<w) };
     if
     :: r>=w -> w=r+1
     :: r<w -> d_step{ ok=sec[me]; sec[me]=0; if :: ok -> STORE(w) :: else fi }; if :: ok -> break :: else fi
     fi
  od;
#else
#ifndef LATEFAR
  if :: w!=q -> raise(w) :: else fi;
#endif
  d_step{ STORE(w) };
#ifdef LATEFAR
  if :: w!=q -> raise(w) :: else fi;
#endif
#ifndef NOLOOK
  do
#ifdef IGNOREWISH
  :: r=passed[c];
#else
  :: r=wanted[c];
#endif
     if
     :: r<w -> break
     :: else ->
#ifdef STAY
        break
#else
        raise(r+1);
        d_step{ DRAIN(me); if :: st[c]==FULL && lp[c]==w && ow[c]==me -> lp[c]=r+1; w=r+1; ok=1; assert(w<LAPS) :: else -> ok=0 fi };
        if :: ok :: else -> break fi
#endif
     fi
  od;
#endif
#endif
  atomic{ comm[me]++; if :: floor<w*N+c+1 -> floor=w*N+c+1 :: else fi;
    k++; w=0; s=0; q=0; o=0; r=0; ok=0 } }

proctype P(byte me){ byte t,i,w,e,s,q,o,x,r,k,b,floor,c,d; bool ok, mine, light;
  { do
    :: k>=MSG -> break
#ifdef TWO
    :: me==0 && k+1<MSG -> claim(); d=c; claim();
         if :: atomic{ b=c; c=d; d=b; b=0 } :: skip fi; commit(); atomic{ c=d; d=0 }; commit(); c=0
    :: (me!=0 && k<MSG) || k+1==MSG -> claim(); commit(); c=0
#else
    :: k<MSG -> claim(); commit(); c=0
#endif
    od; done=done|BIT(me) } unless { IN(stop,me) } }

#ifdef NOGAIN
#define GAIN 1
#else
#define GAIN LATER(FULL,t)
#endif
#ifdef NOFAR
#define REACHED 0
#else
#define REACHED (t<far)
#endif
proctype C(byte me){ byte t,i,w,e,s,q,o,x,r,m,b; bool ok, mine, light;
  { do
    :: LOOK(head);
       if
       :: s==FULL && q==w ->
          d_step{ DRAIN(me);
            if :: MEM(i) ->
                  assert(hold[i]==NONE && val[i]>0); hold[i]=me; st[i]=READING; ow[i]=me;
                  m=(val[i]-1)/MSG; assert((val[i]-1)%MSG==last[m]); last[m]++; m=0; ok=1   /* once, in order, no gap */
               :: else -> ok=0 fi }
          if
          :: ok -> help(head); d_step{ assert(hold[i]==me && by[i]==NONE); by[i]=me; bs[i]=FREE; bl[i]=w+1; assert(w+1<LAPS) }
          :: else fi
       :: !(s==FULL && q==w) && (x>=w || e>w || (e==w && s==READING)) -> help(head)
       :: x<w && ((e==w && s==WRITING) || (e<w && s!=FREE)) ->
end1:     if
          :: SEEN(i) && head==t && LATER(FULL,t) && (e==w || (REACHED && (s!=FULL || q<=x))) -> pass()
          :: !SEEN(i) || head!=t
          fi
       :: x<w && e<=w && s==FREE ->
end2:     if
          :: SEEN(i) && head==t && e==w && REACHED && GAIN -> cas(FREE,w+1,NONE,NONE)
          :: !SEEN(i) || head!=t
          fi
       fi; atomic{ i=0; t=0; w=0; e=0; s=0; q=0; o=0; x=0; r=0; ok=0 }
    od } unless { IN(stop,me) } }

/* the buffers empty when they like */
#define DRIP(j) :: d_step{ by[j]!=NONE -> OUT(j) }
proctype Buffers(){ end: do DRIP(0) DRIP(1)
#if N>2
  DRIP(2)
#endif
  od }

#ifdef SWEEPHELD
#define ASTRAY(j) 0
#else
#define ASTRAY(j) (st[j]==FULL && lp[j]<=passed[j])
#endif
#define OWNED(j) (by[j]==NONE && ow[j]<ALL && IN(stop,ow[j]) && (st[j]==WRITING || st[j]==READING || ASTRAY(j)))
#ifdef SWEEP
/* Finds the slots of the dead again and again, as peers do that stay blocked; the second one too. The dead have no buffers. */
#define FIND(j) :: d_step{ OWNED(j) -> i=j; s=st[j]; q=lp[j]; o=ow[j] }
proctype D(){ byte i,s,q,o;
end: do
  :: if FIND(0) FIND(1) fi;
     d_step{ if :: MEM(i) -> st[i]=FREE; lp[i]=q+1; val[i]=0; ow[i]=NONE; hold[i]=NONE :: else fi; i=0; s=0; q=0; o=0 }
  od }
#define KEPT(j) 0
#else
#define KEPT(j) OWNED(j)
#endif

/* chooses who stops, and when; one consumer always goes on */
#define PRODUCERS (BIT(NP)-1)
#define CONSUMERS ((BIT(NC)-1)<<NP)
#define STOP(v) :: atomic{ v<ALL && IN(WHO,v) && !IN(stop|done,v) && (CONSUMERS&~(stop|BIT(v)))!=0 -> stop=stop|BIT(v); n++; if :: n==STOPS -> break :: else fi }
proctype K(){ byte n; do STOP(0) STOP(1) STOP(2) STOP(3) :: break od }

/* the rest finish: every commit taken; no slot lost, or held by one who goes on */
#define GONE(j) (by[j]==NONE && ((st[j]==FREE && hold[j]==NONE) || KEPT(j)))
#define DONE(m) ((m)>=NP || last[m]==comm[m] || (IN(stop,m) && last[m]==comm[m]+1))
proctype Chk(){ (((done|stop)&PRODUCERS)==PRODUCERS && DONE(0)
#if NP>1
  && DONE(1)
#endif
  && BOTH(GONE)) }

init{ byte j; atomic{ do :: j<N -> ow[j]=NONE; hold[j]=NONE; by[j]=NONE; lp[j]=1; j++ :: else break od; tail=N; head=N;
  j=0; do :: j<NP -> run P(j); j++ :: else break od; do :: j<ALL -> run C(j); j++ :: else break od;
  j=0; run K(); run Chk(); run Buffers();
#ifdef SWEEP
  run D(); run D()
#endif
  } }

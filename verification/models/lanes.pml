/* mpmc: which lanes have something. A bit for each lane; here is one lane, a count of committed messages.

   Producer:  commit (a plain store); fence; look at the bit; set it if it is clear. It may die between any two.
   Consumer:  while the bit is set, take; lane empty: clear the bit; fence; look again; not empty: set the bit.
              With -DSLICE, blocked for a slice: look at the lane whatever the bit says; not empty: set the bit.
   A commit may wait in a buffer of one store, which drains at any time, also after its owner's death; a fence, and
   every change of the bit (read-modify-write), waits until the own buffer is empty. The consumers' own stores are such
   changes, so they have no buffer. DIE participants die at any step, but not all consumers.
   Every committed message is taken: one that nobody looks for is an invalid end state.

   Mutants: NOFENCE (producer looks at the bit before its commit is out), NOLOOK (no look after the clearing);
   without SLICE a death between commit and bit, or between clearing and look, must be found too. */
#ifndef NP
#define NP 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef MSG
#define MSG 2
#endif
#ifndef DIE
#define DIE 0
#endif
#define BIT(x) (1<<(x))
#define IN(set,x) (((set)>>(x))&1)
byte count, taken, committed;      /* messages in the lane, as memory has it */
bool occupied;
bool buffered[NP];                 /* a commit that waits in its producer's buffer */
byte dead, done;

/* the buffer drains at any time, also after its owner's death */
proctype B(byte p){ end: do :: d_step{ buffered[p] -> buffered[p]=0; count++ } od }

proctype P(byte me){ byte k; bool b;
  { do
    :: k==MSG -> break
    :: k<MSG ->
       d_step{ !buffered[me] -> buffered[me]=1; committed++; k++ };
#ifndef NOFENCE
       !buffered[me];
#endif
       b=occupied;
       if :: !b -> d_step{ !buffered[me] -> occupied=1 } :: else fi;
       b=0
    od; done=done|BIT(me) } unless { IN(dead,me) } }

inline take(){ d_step{ if :: count>0 -> count--; taken++; ok=1 :: else -> ok=0 fi } }

proctype C(byte me){ bool ok;
  {
end: do
    :: occupied ->
       take();
       if
       :: ok
       :: else ->
          occupied=0;
#ifndef NOLOOK
          if :: count>0 -> occupied=1 :: else fi
#endif
       fi; ok=0
#ifdef SLICE
    :: !occupied && count>0 -> occupied=1
#endif
    od } unless { IN(dead,me) } }

#define CONSUMERS ((BIT(NC)-1)<<NP)
#define DIES(v) :: atomic{ v<NP+NC && !IN(dead,v) && (CONSUMERS&~(dead|BIT(v)))!=0 -> dead=dead|BIT(v); n++; if :: n==DIE -> break :: else fi }
proctype K(){ byte n; do DIES(0) DIES(1) DIES(2) DIES(3) :: break od }

proctype Chk(){ (((done|dead)&(BIT(NP)-1))==BIT(NP)-1 && taken==committed) }

init{ byte j; atomic{
  do :: j<NP -> run P(j); run B(j); j++ :: else break od; do :: j<NP+NC -> run C(j); j++ :: else break od;
  j=0; run Chk(); if :: DIE>0 -> run K() :: else fi } }

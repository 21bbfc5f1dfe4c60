/* Event {ev = epoch<<1|W , woken} ; producers publish then notify; crash of producer 0 anywhere; recoverer wakes all */
#ifndef CRASH
#define CRASH 1
#endif
#ifndef SB
#define SB 0     /* 1 = producers' publication goes through a store buffer & no fence (shows necessity) */
#endif
byte q=0;            /* items available (consumer takes with CAS) */
byte ev=0, woken=0;  /* futex word */
bit asleep[2];
bit crashed=0, pdone[2], rdone=0;
byte ncons=0;
byte got=0;
#define DIE if :: atomic { (me==0 && CRASH && !crashed) -> crashed=1; goto die } :: skip fi

inline notify() {
  /* fence(SeqCst) */
  e = ev; w = woken;    /* one 64-bit load */
  DIE;
  do
  :: (e & 1) ->
       b = 0; atomic { if :: ev==e -> ev = ((e & 254) + 2) & 255; b = 1; e = ev :: else -> e = ev; w = woken fi };
       if :: b -> DIE;
#ifdef WAKELAST
                  skip;
#endif
                  atomic { asleep[0]=0; asleep[1]=0 };   /* FUTEX_WAKE all */
                  DIE;
                  woken = e; break
          :: else fi
  :: else ->
       if
#ifndef NOWOKEN
       :: (w != e) -> DIE; atomic { asleep[0]=0; asleep[1]=0 }; DIE; woken = e; break
#endif
       :: else -> break
       fi
  od;
}
proctype P(byte me) {
  byte e, w; bit b;
#ifdef NOREC
  if :: me==1 -> (pdone[0]) :: else fi;
#endif
  DIE;
#if SB
  /* notify's load may be satisfied before the store drains */
  if :: skip -> e = ev; w = woken; q++; 
        if :: (e & 1) -> atomic { if :: ev==e -> ev = ((e&254)+2)&255 :: else fi }; atomic { asleep[0]=0; asleep[1]=0 }; woken = ev & 254 :: else fi
     :: skip -> q++; notify()
  fi;
#else
  atomic { q++ };
  DIE;
  notify();
#endif
  pdone[me]=1; goto out;
die: pdone[me]=1;
out: skip
}
proctype C(byte me) {
  byte e; bit b;
  do
  :: b=0; atomic { if :: q>0 -> q--; got++; b=1 :: else fi };
     if :: b -> break :: else fi;
     e = ev;
     if :: !(e & 1) -> b=0; atomic { if :: ev==e -> ev = e|1; e = e|1; b=1 :: else fi }; if :: b -> skip :: else -> goto again fi
        :: else fi;
     /* fence(SeqCst) ; re-check */
     b=0; atomic { if :: q>0 -> q--; got++; b=1 :: else fi };
     if :: b -> break :: else fi;
     /* FUTEX_WAIT(ev, e) */
     atomic { if :: ev==e -> asleep[me]=1 :: else fi };
     (asleep[me]==0);
again: skip
  od;
  ncons++
}
proctype Recov() {
  byte e; bit b;
  if :: (crashed) -> 
        /* death verified: bump + wake everybody on this event */
        do :: e = ev; b=0; atomic { if :: ev==e -> ev = ((e & 254)+2)&255; b=1; e=ev :: else fi }; if :: b -> break :: else fi od;
        atomic { asleep[0]=0; asleep[1]=0 }; woken = e
     :: (pdone[0] && pdone[1] && !crashed) -> skip
  fi; rdone=1
}
init { atomic { run P(0); run P(1); run C(0); run C(1); 
#ifndef NOREC
 run Recov()
#else
 rdone=1
#endif
 };
  (timeout);
  /* quiescent: nobody can move. No live consumer may be asleep while items are available */
  assert(!(q > 0 && (asleep[0] || asleep[1])));
  assert(pdone[0] && pdone[1] && rdone);
}

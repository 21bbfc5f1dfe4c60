/* mpmc: claim = ONE CAS on the slot word that carries the owner; tail advanced by helping */
#define N 2
#ifndef MSG
#define MSG 2
#endif
#ifndef NP
#define NP 2
#endif
#define FREE 0
#define WR 1
#define RDY 2
#define TOMB 3
byte st[N]; byte ps[N]; byte ow[N]; byte val[N];
byte tail=0, head=0; bool crash=0, dead=0, recovered=0; byte pdone=0;
byte committed=0, got=0, tombs=0; byte seen[8];
proctype P(byte me){
 byte t,i,k=0; bool ok; byte s,q;
 { do
  :: k==MSG -> break
  :: k<MSG ->
     t=tail; i=t%N;
     d_step{ s=st[i]; q=ps[i] }
     if
     :: s==FREE && q==t ->
        d_step{ if :: st[i]==FREE && ps[i]==t -> st[i]=WR; ow[i]=me; ok=1 :: else -> ok=0 fi }
        if
        :: ok ->
#ifndef NOHELP
           d_step{ if :: tail==t -> tail=t+1 :: else fi }
#else
           tail=t+1;
#endif
           val[i]=me*MSG+k+1;
           d_step{ assert(st[i]==WR && ps[i]==t && ow[i]==me); st[i]=RDY; committed++ }
           k++
        :: else
        fi
     :: (s!=FREE && q==t) || q>t ->
        d_step{ if :: tail==t -> tail=t+1 :: else fi }   /* help */
     :: q<t -> (ps[i]!=q || tail!=t)                      /* full: wait for change */
     fi
  od; pdone++ } unless { (me==0 && crash) -> dead=1 }
}
proctype C(){
 byte i;
 do
 :: i=head%N;
    if
    :: st[i]==RDY && ps[i]==head -> 
       assert(val[i]>0 && seen[val[i]]==0); seen[val[i]]=1; got++;
       d_step{ st[i]=FREE; ps[i]=head+N; ow[i]=9; val[i]=0 } head++
    :: st[i]==TOMB && ps[i]==head ->
       tombs++; d_step{ st[i]=FREE; ps[i]=head+N; ow[i]=9; val[i]=0 } head++
    :: (pdone + dead == NP) && (!dead || recovered) && st[i]==FREE && ps[i]==head && (tail==head) -> break
    fi
 od;
 assert(got==committed); assert(tombs<=1)
}
proctype K(){ if :: crash=1 :: skip fi }
proctype R(){ byte i=0;
 end: (dead);
 do :: i==N -> break
    :: i<N -> d_step{ if :: st[i]==WR && ow[i]==0 -> st[i]=TOMB :: else fi } i++
 od;
#ifndef NOHELP2
 /* finish a lagging tail: dead producer may have claimed without advancing tail */
 byte t; t=tail; d_step{ if :: tail==t && ((st[t%N]!=FREE && ps[t%N]==t)||(ps[t%N]>t)) -> tail=t+1 :: else fi }
#endif
 recovered=1 }
init{ byte j=0; atomic{ do :: j<N -> ps[j]=j; ow[j]=9; j++ :: else break od; j=0; do :: j<NP -> run P(j); j++ :: else break od; run C(); run K(); run R() } }

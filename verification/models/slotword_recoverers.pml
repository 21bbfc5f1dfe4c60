/* mpmc: concurrent/stalled recoverers + reuse of the dead participant's index.
   dead0 = "OFD byte 0 free". Newcomer (owner id 0 again) joins after SOME recoverer finished a full scan.
   -DPROBEFIRST : recoverer probes liveness before loading the slot word (wrong)                              */
#define N 2
#define FREE 0
#define WR 1
#define RDY 2
#define TOMB 3
byte st[N], ps[N], ow[N], val[N]; byte tail=0, head=0; bool crash=0, dead0=0, scanned=0, joined=0; byte pdone=0, committed=0, got=0, tombs=0, rdone=0; byte seen[8]; bool died=0;
inline push(me,id){
   do
   :: t=tail; i=t%N; d_step{ s=st[i]; q=ps[i] }
      if
      :: s==FREE && q==t ->
         d_step{ if :: st[i]==FREE && ps[i]==t -> st[i]=WR; ow[i]=me; ok=1 :: else -> ok=0 fi }
         if :: ok -> d_step{ if :: tail==t -> tail=t+1 :: else fi }
               val[i]=id;
               d_step{ assert(st[i]==WR && ps[i]==t && ow[i]==me); st[i]=RDY; committed++ } break
            :: else fi
      :: (s!=FREE && q==t) || q>t -> d_step{ if :: tail==t -> tail=t+1 :: else fi }
      :: q<t -> (ps[i]!=q || tail!=t)
      fi
   od }
proctype P0(){ byte t,i,s,q; bool ok; { push(0,1); pdone++ } unless { crash -> died=1; dead0=1; pdone++ } }
proctype P0new(){ byte t,i,s,q; bool ok;
   end: d_step{ scanned && dead0 -> dead0=0; joined=1 }   /* took OFD byte 0 again */
   push(0,3); pdone++ }
proctype P1(){ byte t,i,s,q; bool ok; push(1,5); pdone++ }
proctype C(){ byte i;
 do :: i=head%N;
    if :: st[i]==RDY && ps[i]==head -> assert(val[i]>0 && seen[val[i]]==0); seen[val[i]]=1; got++; d_step{ st[i]=FREE; ps[i]=head+N; ow[i]=9; val[i]=0 } head++
       :: st[i]==TOMB && ps[i]==head -> tombs++; d_step{ st[i]=FREE; ps[i]=head+N; ow[i]=9; val[i]=0 } head++
       :: (pdone==2+joined) && (!died || (scanned && joined)) && st[i]==FREE && ps[i]==head && tail==head -> break
    fi od;
 assert(got==committed); assert(tombs<=1) }
proctype K(){ if :: crash=1 :: skip fi }
proctype R(){ byte i=0,s,q,o,t; bool d;
 end: (dead0 || joined);
 do :: i==N -> break
    :: i<N ->
#ifdef PROBEFIRST
       d=dead0; d_step{ s=st[i]; q=ps[i]; o=ow[i] }
#else
       d_step{ s=st[i]; q=ps[i]; o=ow[i] } d=dead0;
#endif
       if :: d && s==WR && o==0 -> d_step{ if :: st[i]==s && ps[i]==q && ow[i]==o -> st[i]=TOMB :: else fi } :: else fi;
       i++
 od;
 t=tail; d_step{ if :: tail==t && ((st[t%N]!=FREE && ps[t%N]==t)||(ps[t%N]>t)) -> tail=t+1 :: else fi }
 d_step{ if :: dead0 -> scanned=1 :: else fi } rdone++ }
init{ byte j=0; atomic{ do :: j<N -> ps[j]=j; ow[j]=9; j++ :: else break od; run P0(); run P0new(); run P1(); run C(); run K(); run R(); run R() } }

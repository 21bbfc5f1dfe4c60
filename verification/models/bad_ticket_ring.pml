/* The usual ticket ring: the position is taken first, the slot second. -DINTENT: what is about to be taken is noted before, and recovery goes by that note. Both fail */
#define N 2
#define MSG 2
#define NP 2
byte seq[N]; byte val[N]; byte tail=0, head=0; byte intent=255; bool crash=0,dead=0,recovered=0; byte pdone=0; byte committed=0,got=0,tombs=0; byte seen[8];
proctype P(byte me){ byte t,i,k=0; bool ok; byte q;
 { do :: k==MSG -> break
   :: k<MSG -> t=tail; i=t%N; q=seq[i];
     if
     :: q==t -> 
#ifdef INTENT
        if :: me==0 -> intent=t :: else fi;
#endif
        d_step{ if :: tail==t -> tail=t+1; ok=1 :: else -> ok=0 fi }
        if :: ok -> val[i]=me*MSG+k+1; d_step{ seq[i]=t+1; committed++ }
#ifdef INTENT
              if :: me==0 -> intent=255 :: else fi;
#endif
              k++
           :: else fi
     :: q<t -> (seq[i]!=q || tail!=t)
     :: q>t -> skip
     fi
   od; pdone++ } unless { (me==0 && crash) -> dead=1 } }
proctype C(){ byte i; do
 :: i=head%N;
    if :: seq[i]==head+1 -> if :: val[i]==100 -> tombs++ :: else -> assert(val[i]>0 && seen[val[i]]==0); seen[val[i]]=1; got++ fi; val[i]=0; seq[i]=head+N; head++
    :: (pdone+dead==NP) && (!dead||recovered) && tail==head -> break fi
 od; assert(got==committed) }
proctype K(){ if :: crash=1 :: skip fi }
proctype R(){ end: (dead);
#ifdef INTENT
 if :: intent!=255 && tail>intent && seq[intent%N]==intent -> val[intent%N]=100; seq[intent%N]=intent+1 :: else fi;
#endif
 recovered=1 }
init{ byte j=0; atomic{ do :: j<N -> seq[j]=j; j++ :: else break od; run P(0); run P(1); run C(); run K(); run R() } }

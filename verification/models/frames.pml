/* Broadcast: single writer entry ring + pool, 1 lossy hazard reader, 1 lossless cursor+hazard reader; TSO store buffer for hazard store optional */
#ifndef R
#define R 2
#endif
#ifndef N
#define N 6
#endif
#ifndef M
#define M 5
#endif
#ifndef FENCE
#define FENCE 1
#endif
byte tail=0; byte epos[R]; byte eslot[R];  /* epos = pos+1, 0=none */
byte hz[2]; byte cursor=0; byte data[N];   /* data[s] = pos+1 ; 0 while being written */
bit wdone=0;
bit freeS[N]; bit retS[N];
proctype W() {
  byte n=0, s, i, minc=0; byte old; bit h0;
  do
  :: n < M ->
     /* lossless check */
     do :: (n - minc >= R) -> minc = cursor :: else -> break od;
     /* loan */
     s = 255; i = 0;
     do :: i<N -> if :: freeS[i] -> s=i; break :: else i++ fi :: else -> break od;
     if :: s==255 ->
        /* reclaim: scan hazards */
        byte a, b2; a = hz[0]; b2 = hz[1];
        atomic { i=0; do :: i<N -> if :: (retS[i] && a != i+1 && b2 != i+1) -> retS[i]=0; freeS[i]=1 :: else fi; i++ :: else -> break od; i=0 };
        do :: i<N -> if :: freeS[i] -> s=i; break :: else i++ fi :: else -> break od;
        assert(s != 255)      /* wait-free loan */
     :: else fi;
     freeS[s]=0;
     data[s]=0; data[s]=n+1;          /* write payload in two steps */
     old = eslot[n%R];
     h0 = (epos[n%R] != 0);
     atomic { epos[n%R]=n+1; eslot[n%R]=s };
     tail=n+1;
     if :: h0 -> retS[old]=1 :: else fi;
     n++
  :: else -> break
  od; wdone=1
}
proctype Lossy() {
  byte p=0, ep, es, ep2, es2, k=0;
  do
  :: k < 4 -> k++;
     atomic { ep=epos[p%R]; es=eslot[p%R] };
     if :: ep == 0 || ep < p+1 -> skip
        :: ep > p+1 -> p = ep-1
        :: else ->
#if FENCE
           hz[0]=es+1;
           atomic { ep2=epos[p%R]; es2=eslot[p%R] };
#else
           atomic { ep2=epos[p%R]; es2=eslot[p%R] };   /* validation load passes the buffered hazard store */
           hz[0]=es+1;
#endif
           if :: (ep2==ep && es2==es) -> assert(data[es]==p+1); assert(data[es]==p+1); hz[0]=0; p++
              :: else -> hz[0]=0
           fi
     fi
  :: else -> break
  od
}
proctype Lossless() {
  byte p=0, ep, es, held=255, hp;
  do
  :: p < M ->
     do :: atomic { ep=epos[p%R]; es=eslot[p%R] }; if :: ep==p+1 -> break :: else fi od;
     assert(data[es]==p+1);
     if :: held==255 -> /* keep this one beyond the cursor */
           hz[1]=es+1; cursor=p+1; held=es; hp=p
        :: else -> assert(data[es]==p+1); cursor=p+1;
           assert(data[held]==hp+1);
           if :: hz[1]=0; held=255 :: skip fi
     fi; p++
  :: else -> break
  od;
  if :: held!=255 -> assert(data[held]==hp+1); hz[1]=0 :: else fi
}
init { byte i=0; atomic { do :: i<N -> freeS[i]=1; i++ :: else -> break od; run W(); run Lossy(); run Lossless() } }

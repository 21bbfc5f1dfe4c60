/* mpmc: 2 producers x 2 consumers, slot-owner claims on both sides, one producer AND one consumer may die; 2 recoverer passes; redelivery by ORPHAN */
#define N 2
#define FREE 0
#define WR 1
#define RDY 2
#define RD 3
#define TOMB 4
#define ORPH 5
byte st[N], ps[N], ow[N], val[N]; byte tail=0, head=0, orph=0; bool crP=0, crC=0, dP=0, dC=0, fin=0; byte committed=0, acked=0; byte ak[5], seen[5]; byte com[5]; byte pd=0;
inline helpT(x){ d_step{ if :: tail==x -> tail=x+1 :: else fi } }
inline helpH(x){ d_step{ if :: head==x -> head=x+1 :: else fi } }
proctype P(byte me; byte id; byte cnt){ byte t,i,s,q,k=0; bool ok;
 { do :: k==cnt -> break
   :: k<cnt -> t=tail; i=t%N; d_step{ s=st[i]; q=ps[i] }
     if
     :: s==FREE && q==t -> d_step{ if :: st[i]==FREE && ps[i]==t -> st[i]=WR; ow[i]=me; ok=1 :: else -> ok=0 fi }
        if :: ok -> helpT(t); val[i]=id+k; d_step{ assert(st[i]==WR && ps[i]==t && ow[i]==me); st[i]=RDY; ow[i]=9; com[id+k]=1; committed++ } k++ :: else fi
     :: (s!=FREE && q==t) || q>t -> helpT(t)
     :: q<t -> (ps[i]!=q || st[i]!=s || tail!=t)
     fi od; pd++ } unless { (me==0 && crP && !dP) -> dP=1 } }
proctype C(byte me){ byte h,i,s,q,k; bool ok;
 { endw: do
  :: orph>0 -> k=0; do :: k<N -> d_step{ if :: st[k]==ORPH -> st[k]=RD; ow[k]=me; orph--; ok=1 :: else -> ok=0 fi }
       if :: ok -> seen[val[k]]++; d_step{ ak[val[k]]++; acked++; val[k]=0; st[k]=FREE; ps[k]=ps[k]+N; ow[k]=9 } :: else fi; k++ :: else -> break od
  :: orph==0 -> h=head; i=h%N; d_step{ s=st[i]; q=ps[i] }
     if
     :: s==RDY && q==h -> d_step{ if :: st[i]==RDY && ps[i]==h -> st[i]=RD; ow[i]=me; ok=1 :: else -> ok=0 fi }
         if :: ok -> helpH(h); seen[val[i]]++; d_step{ assert(st[i]==RD && ow[i]==me && ps[i]==h); ak[val[i]]++; acked++; val[i]=0; st[i]=FREE; ps[i]=h+N; ow[i]=9 } :: else fi
     :: s==TOMB && q==h -> d_step{ if :: st[i]==TOMB && ps[i]==h -> st[i]=FREE; ps[i]=h+N; ow[i]=9; val[i]=0 :: else fi } helpH(h)
     :: (q==h && (s==RD||s==ORPH)) || q>h -> helpH(h)
     :: (q==h && (s==FREE||s==WR)) || q<h -> endx: (st[i]!=s || ps[i]!=q || head!=h || orph>0)
     fi od } unless { (me==2 && crC && !dC) -> dC=1 } }
proctype K(){ if :: crP=1 :: skip fi }
proctype K2(){ if :: crC=1 :: skip fi }
proctype R(byte who){ byte i=0,t; end: ((who==0 && dP) || (who==2 && dC));
 do :: i==N -> break :: i<N -> d_step{ if :: st[i]==WR && ow[i]==who -> st[i]=TOMB; ow[i]=9 :: st[i]==RD && ow[i]==who -> st[i]=ORPH; ow[i]=9; orph++ :: else fi } i++ od;
 t=tail; d_step{ if :: tail==t && ((st[t%N]!=FREE && ps[t%N]==t)||(ps[t%N]>t)) -> tail=t+1 :: else fi }
 t=head; d_step{ if :: head==t && (((st[t%N]==RD||st[t%N]==ORPH) && ps[t%N]==t)||(ps[t%N]>t)) -> head=t+1 :: else fi } }
/* everything committed by both must be acked exactly once; P1 must finish; at most one duplicate exposure */
proctype Chk(){ ((pd + dP >= 2) && acked==committed && (pd==2 || dP)); byte j=1; byte tot=0; do :: j<5 -> assert(ak[j]==com[j]); tot=tot+seen[j]; j++ :: else -> break od; assert(tot<=committed+1 || committed>acked) }
init{ byte j=0; atomic{ do :: j<N -> ps[j]=j; ow[j]=9; j++ :: else break od; run P(0,1,1); run P(1,2,2); run C(2); run C(3); run K(); run K2(); run R(0); run R(2); run Chk() } }

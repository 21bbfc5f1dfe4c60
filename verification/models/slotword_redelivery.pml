/* mpmc: a consumer dies while it holds a message. -DINPLACE: recoverer puts RDY back in place */
#define N 2
#define M 3
#define FREE 0
#define RDY 1
#define RD 2
#define ORPH 3
byte st[N], ps[N], ow[N], val[N]; byte tail=0, head=0, orph=0; bool crash=0, dead=0; byte seen[5]; byte acked=0; byte ak[5];
proctype P(){ byte k=0,i; do :: k==M -> break :: k<M -> i=tail%N; (st[i]==FREE && ps[i]==tail); val[i]=k+1; st[i]=RDY; tail=tail+1; k++ od }
proctype C(byte me){ byte h,i,s,q,k; bool ok;
 { endw: do
  :: orph>0 -> k=0; do :: k<N -> d_step{ if :: st[k]==ORPH -> st[k]=RD; ow[k]=me; orph--; ok=1 :: else -> ok=0 fi } 
                        if :: ok -> seen[val[k]]++; d_step{ ak[val[k]]++; val[k]=0; st[k]=FREE; ps[k]=ps[k]+N; ow[k]=9; acked++ } :: else fi; k++ :: else -> break od
  :: orph==0 -> h=head; i=h%N; d_step{ s=st[i]; q=ps[i] }
     if
     :: s==RDY && q==h -> d_step{ if :: st[i]==RDY && ps[i]==h -> st[i]=RD; ow[i]=me; ok=1 :: else -> ok=0 fi }
         if :: ok -> d_step{ if :: head==h -> head=h+1 :: else fi } 
               seen[val[i]]++;
               d_step{ assert(st[i]==RD && ow[i]==me && ps[i]==h); ak[val[i]]++; val[i]=0; st[i]=FREE; ps[i]=h+N; ow[i]=9; acked++ }
            :: else fi
     :: (q==h && (s==RD||s==ORPH)) || q>h -> d_step{ if :: head==h -> head=h+1 :: else fi }
     :: (q==h && s==FREE) || q<h -> endx: (st[i]!=s || ps[i]!=q || head!=h || orph>0)
     fi
  od } unless { (me==0 && crash && !dead) -> dead=1 } }
proctype K(){ if :: crash=1 :: skip fi }
proctype R(){ byte i=0; end: (dead);
 do :: i==N -> break :: i<N ->
#ifdef INPLACE
   d_step{ if :: st[i]==RD && ow[i]==0 -> st[i]=RDY; ow[i]=9 :: else fi }
#else
   d_step{ if :: st[i]==RD && ow[i]==0 -> st[i]=ORPH; orph++ :: else fi }
#endif
   i++ od }
proctype Chk(){ (acked==M); assert(ak[1]==1 && ak[2]==1 && ak[3]==1); assert(seen[1]>=1&&seen[2]>=1&&seen[3]>=1); assert(seen[1]+seen[2]+seen[3] <= M+1) }
init{ byte j=0; atomic{ do :: j<N -> ps[j]=j; ow[j]=9; j++ :: else break od; run P(); run C(0); run C(1); run K(); run R(); run Chk() } }

//! Goal: whatever a publisher does between two operations of a subscriber, that one gets a
//! message as it was committed, or is told the truth.
//!
//! Method: plain words; the publisher comes before each operation of a read in turn, with as
//! many messages as make any difference, and may leave the last one half shown. What is read
//! stays as it is while the publisher goes round twice; everything is counted in the end.

use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::extent::Extent;
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::Who;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Subscriber, Taken, Want};
use ringbuf_verification::broadcast_words::{BroadcastWords, PublisherOf, Size, SubscriberOf};
use ringbuf_verification::mortal::{Mortal, Plain, interrupted};
use std::cell::RefCell;

/// Positions wrap in the middle.
const START: u64 = u64::MAX - 4;

/// A publisher, which writes the position of each message into its slot.
struct Writer {
    core: PublisherOf<'static, Mortal>,
    payload: Vec<u64>,
}

impl Writer {
    /// Publishes so many; every third is broken off. Waits for nobody.
    fn publish(&mut self, messages: usize, leave_open: bool) {
        for left in (0..messages).rev() {
            let slot = match self.core.claim() {
                Ok(slot) => slot,
                Err(error) => {
                    assert_eq!(error, ClaimError::Full);
                    assert!(self.core.evict_those_in_the_way() > 0);
                    self.core.claim().expect("nobody is in the way any more")
                }
            };
            let number = self.core.position().count();
            self.payload[slot as usize] = number;
            if left == 0 && leave_open {
                self.core.advance(1);
            } else if number % 3 == 2 {
                self.core.advance(1);
                self.core.abort();
            } else {
                self.core.commit(7);
            }
        }
    }
}

/// What happens, and how the subscriber reads.
#[derive(Clone, Copy, Debug)]
struct Scene {
    size: Size,
    reclaim: Reclaim,
    delivery: Delivery,
    want: Want,
    before: usize,
    meanwhile: usize,
    leave_open: bool,
    glances: bool,
}

impl Scene {
    /// Reads once, interrupted before operation number `after`; whether it came to that.
    fn plays(self, after: u32) -> bool {
        // The interruption has no lifetime, and neither has what it touches.
        let words = BroadcastWords::new(Mortal::default(), self.size, START, Plain::new);
        let words: &'static BroadcastWords<Mortal> = Box::leak(Box::new(words));
        let payload = vec![0; words.slots.0.len()];
        let core = words.take_over(self.reclaim).expect("true words");
        let writer: &'static RefCell<_> =
            Box::leak(Box::new(RefCell::new(Writer { core, payload })));
        let who = Who::new(1, 1);
        let cells = words.take_cells(who, self.size.cells).expect("all are free");
        let start = Start::Oldest;
        let mut reader = Subscriber::join(words.ring(), 0, who, cells, self.delivery, start);
        let first = reader.position();
        writer.borrow_mut().publish(self.before, false);
        let burst = move || writer.borrow_mut().publish(self.meanwhile, self.leave_open);
        let read = || if self.glances { reader.latest(self.want) } else { reader.read(self.want) };
        let (found, came) = interrupted(after, burst, read);
        let mut got = 0;
        if let Some(taken) = self.is_true(found, writer) {
            got += u64::from(!self.glances);
            writer.borrow_mut().publish(2 * self.size.capacity, false);
            assert_eq!(writer.borrow().payload[taken.slot as usize], taken.position.count());
            reader.release(taken);
        }
        // What was left open is broken off by the next claim.
        writer.borrow_mut().publish(1, false);
        got += self.reads_on(&mut reader, writer);
        let end = writer.borrow().core.position();
        assert_eq!(reader.position(), end, "{self:?} {after}");
        assert_eq!(got + reader.lost() + reader.broken(), end.since(first), "{self:?} {after}");
        came
    }

    fn is_true(
        self,
        found: Result<Taken, ReceiveError>,
        writer: &RefCell<Writer>,
    ) -> Option<Taken> {
        match found {
            Ok(taken) => {
                let number = writer.borrow().payload[taken.slot as usize];
                assert_eq!(number, taken.position.count(), "{self:?}");
                let is_whole = taken.extent == Extent::Whole(7);
                assert!(is_whole || self.want == Want::Parts, "{self:?}");
                Some(taken)
            }
            Err(error) => {
                let told = [ReceiveError::Empty, ReceiveError::Evicted];
                assert!(told.contains(&error), "{error:?} in {self:?}");
                None
            }
        }
    }

    /// Reads all that there is; how many it got.
    fn reads_on(self, reader: &mut SubscriberOf<'_, Mortal>, writer: &RefCell<Writer>) -> u64 {
        let mut got = 0;
        loop {
            let found = reader.read(self.want);
            if found == Err(ReceiveError::Empty) {
                return got;
            }
            if let Some(taken) = self.is_true(found, writer) {
                got += 1;
                reader.release(taken);
            }
        }
    }
}

/// Every scene of a ring, and how often each was interrupted.
fn every_scene(capacity: usize, reclaim: Reclaim, delivery: Delivery) -> u32 {
    let size = Size { capacity, readers: 1, cells: 1 };
    let mut count = 0;
    for before in 0..=capacity + 1 {
        for meanwhile in 0..=2 * capacity + 2 {
            for kind in 0..8 {
                let [parts, leave_open, glances] = [1, 2, 4].map(|bit| kind & bit != 0);
                let want = if parts { Want::Parts } else { Want::Whole };
                let scene =
                    Scene { size, reclaim, delivery, want, before, meanwhile, leave_open, glances };
                count += (0..).take_while(|after| scene.plays(*after)).map(|_| 1).sum::<u32>();
            }
        }
    }
    count
}

#[test]
fn who_is_overtaken_at_any_operation_gets_what_was_committed_or_is_told() {
    for delivery in [Delivery::Lossless, Delivery::Lossy, Delivery::Latest] {
        for reclaim in [Reclaim::Late, Reclaim::Early] {
            let count: u32 =
                [2, 4].map(|capacity| every_scene(capacity, reclaim, delivery)).iter().sum();
            println!("{delivery:?}, {reclaim:?}: interrupted {count} times");
        }
    }
}

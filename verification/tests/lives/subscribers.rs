//! Lives of subscribers who join, look, are evicted and leave, beside one that lives.

use super::hall::{Hall, Listener};
use ringbuf_core::error::ClaimError;
use ringbuf_core::life::{Delivery, Life, Standing};
use ringbuf_core::peer::Who;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Want};
use ringbuf_verification::broadcast_words::Size;
use ringbuf_verification::kernel::{self, Process};
use ringbuf_verification::mortal::{meanwhile, mortal};
use std::cell::RefCell;

const SIZE: Size = Size { capacity: 4, readers: 2, cells: 3 };
const PUBLISHER: Who = Who::new(0, 1);
/// The row, among the readers, of those who die; the other one lives.
const MORTAL: usize = 1;

/// Those who live: the publisher, and a lossless subscriber with one cell.
struct Living<'a> {
    hall: &'a Hall,
    process: Process<'a, kernel::Plain>,
    publisher: super::hall::Publisher<'a>,
    listener: Listener<'a>,
}

impl Living<'_> {
    /// Publishes one message after the other; every fourth is broken off. Waits for those
    /// who live, and for nobody else.
    fn publish(&mut self, messages: u64) {
        for _ in 0..messages {
            let slot = match self.publisher.claim() {
                Ok(slot) => slot,
                Err(error) => {
                    assert_eq!(error, ClaimError::Full);
                    self.make_room();
                    self.publisher.claim().expect("nobody is in the way any more")
                }
            };
            let number = self.hall.write(slot);
            if number % 4 == 3 {
                self.publisher.advance(1);
                self.publisher.abort();
            } else {
                self.hall.commit(&mut self.publisher, number);
            }
        }
    }

    fn make_room(&mut self) {
        self.listener.hear_all();
        self.hall.words.ring().sweep(PUBLISHER, &self.process);
        if self.publisher.in_the_way().next().is_some() {
            assert!(self.publisher.in_the_way().eq([MORTAL]));
            assert_eq!(self.publisher.evict_those_in_the_way(), 1);
        }
    }
}

fn standing(hall: &Hall, row: usize) -> Option<Standing> {
    Life::from_bits(hall.words.readers[row].life.get()).standing()
}

/// What a subscriber asks for.
type Wish = (Delivery, Start, Want);

fn live(
    hall: &Hall,
    who: Who,
    process: &Process<'_, kernel::Plain>,
    wish: Wish,
    living: &RefCell<Living<'_>>,
) {
    hall.words.ring().sweep(who, process);
    assert_eq!(standing(hall, MORTAL), Some(Standing::Idle), "nobody waits for the dead");
    // All that its dead predecessors had is there again.
    let mut mortal = Listener::join(hall, MORTAL, (who, SIZE.cells - 1), wish);
    meanwhile(|| living.borrow_mut().publish(3));
    mortal.hear_one();
    mortal.glance();
    meanwhile(|| living.borrow_mut().publish(2));
    mortal.hear_all();
    // As many as the ring keeps, and more: it is overtaken, or evicted.
    meanwhile(|| living.borrow_mut().publish(6));
    mortal.hear_one();
    mortal.glance();
    mortal.release();
    mortal.hear_all();
    let end = meanwhile(|| living.borrow().publisher.position());
    meanwhile(|| living.borrow_mut().listener.hear_all());
    mortal.close_books(&living.borrow().listener.heard, Hall::place(end));
    assert_eq!(mortal.evicted > 0, wish.0 == Delivery::Lossless);
    mortal.leave();
}

/// Two subscribers die, a third finishes. Which of the two lived?
pub(crate) fn subscribers(first: u32, second: u32, wish: Wish, reclaim: Reclaim) -> (bool, bool) {
    let hall = Hall::new(SIZE);
    let process = hall.process(PUBLISHER);
    let publisher = hall.words.take_over(reclaim).expect("true words");
    let who = Who::new(1, 1);
    let _lives = hall.process(who);
    let listener =
        Listener::join(&hall, 0, (who, 1), (Delivery::Lossless, Start::Oldest, Want::Whole));
    let living = RefCell::new(Living { hall: &hall, process, publisher, listener });
    living.borrow_mut().publish(2);
    let mut incarnation = 0;
    let lives = [first, second, u32::MAX].map(|after| {
        incarnation += 1;
        let who = Who::new(2, incarnation);
        let process = hall.process(who);
        let lived = mortal(after, || live(&hall, who, &process, wish, &living)).is_some();
        process.end();
        lived
    });
    let mut living = living.into_inner();
    living.publish(5);
    living.listener.hear_all();
    living.listener.heard_everything();
    living.listener.leave();
    hall.words.ring().sweep(PUBLISHER, &living.process);
    for row in 0..SIZE.readers {
        assert_eq!(standing(&hall, row), Some(Standing::Idle), "a row is lost");
    }
    hall.no_slot_is_lost(&mut living.publisher, reclaim);
    (lives[0], lives[1])
}

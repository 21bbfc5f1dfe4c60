//! Lives of publishers, whom every kind of subscriber hears.

use super::hall::{Hall, Listener, Publisher};
use ringbuf_core::error::ClaimError;
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::Who;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Want};
use ringbuf_verification::broadcast_words::Size;
use ringbuf_verification::kernel::{self, Process};
use ringbuf_verification::mortal::{meanwhile, mortal};
use std::cell::RefCell;

/// As many are committed more than a lap; as many again are broken off.
const MORE: usize = 2;
/// The row of the one that is never fast enough.
const SLOW: usize = 4;

/// Those who listen while publishers die.
struct Audience<'a> {
    /// Lossless: one hears what is whole, one what there is.
    waited_for: [Listener<'a>; 2],
    lossy: Listener<'a>,
    latest: Listener<'a>,
    /// Lossless too, and evicted for it.
    slow: Listener<'a>,
}

impl<'a> Audience<'a> {
    fn new(hall: &'a Hall) -> Self {
        let join = |row: u16, delivery, want| {
            let who = Who::new(10 + u32::from(row), 1);
            Listener::join(hall, row.into(), (who, 1), (delivery, Start::Newest, want))
        };
        Self {
            waited_for: [
                join(0, Delivery::Lossless, Want::Whole),
                join(1, Delivery::Lossless, Want::Parts),
            ],
            lossy: join(2, Delivery::Lossy, Want::Whole),
            latest: join(3, Delivery::Latest, Want::Whole),
            slow: join(4, Delivery::Lossless, Want::Whole),
        }
    }

    fn all(&mut self) -> [&mut Listener<'a>; 5] {
        let [whole, parts] = &mut self.waited_for;
        [whole, parts, &mut self.lossy, &mut self.latest, &mut self.slow]
    }
}

/// Shows the next message in one of all ways.
fn publish(
    hall: &Hall,
    publisher: &mut Publisher<'_>,
    slot: u32,
    audience: &RefCell<Audience<'_>>,
) {
    let number = hall.write(slot);
    match number % 4 {
        0 => publisher.abort(),
        1 => hall.commit(publisher, number),
        2 => {
            publisher.advance(1);
            meanwhile(|| audience.borrow_mut().waited_for[1].hear_all());
            publisher.advance(2);
            hall.commit(publisher, number);
        }
        _ => {
            publisher.advance(1);
            publisher.abort();
        }
    }
    meanwhile(|| audience.borrow_mut().latest.hear_all());
}

/// Takes over and publishes until nothing is left to do; sweeps and evicts who is in the way.
fn live<'a>(
    hall: &'a Hall,
    who: Who,
    process: &Process<'_, kernel::Plain>,
    reclaim: Reclaim,
    audience: &RefCell<Audience<'_>>,
) -> Publisher<'a> {
    let messages = hall.words.entries.len() + MORE;
    let mut publisher = hall.words.take_over(reclaim).expect("true words");
    while hall.committed.borrow().len() < messages {
        match publisher.claim() {
            Ok(slot) => publish(hall, &mut publisher, slot, audience),
            Err(error) => {
                assert_eq!(error, ClaimError::Full);
                meanwhile(|| {
                    audience.borrow_mut().waited_for.iter_mut().for_each(Listener::hear_all)
                });
                assert!(!hall.words.ring().sweep(who, process), "all subscribers live");
                if !publisher.in_the_way().eq([]) {
                    assert!(publisher.in_the_way().eq([SLOW]));
                    assert_eq!(publisher.evict_those_in_the_way(), 1);
                    meanwhile(|| {
                        let mut audience = audience.borrow_mut();
                        audience.slow.hear_one();
                        audience.lossy.hear_one();
                    });
                }
            }
        }
    }
    publisher
}

/// Two publishers die, a third finishes. Which of the two lived?
pub(crate) fn publishers(
    first: u32,
    second: u32,
    capacity: usize,
    reclaim: Reclaim,
) -> (bool, bool) {
    let hall = Hall::new(Size { capacity, readers: 5, cells: 5 });
    let audience = RefCell::new(Audience::new(&hall));
    let processes = audience.borrow().subscribers_live(&hall);
    let mut incarnation = 0;
    let [one, two, last] = [first, second, u32::MAX].map(|after| {
        incarnation += 1;
        let who = Who::new(0, incarnation);
        let process = hall.process(who);
        let lived = mortal(after, || live(&hall, who, &process, reclaim, &audience));
        process.end();
        lived
    });
    let mut last = last.expect("it lives for ever");
    let mut audience = audience.into_inner();
    audience.all().into_iter().for_each(Listener::hear_all);
    let end = Hall::place(last.position());
    audience.waited_for.iter().for_each(Listener::heard_everything);
    let all = audience.waited_for[0].heard.clone();
    audience.all().into_iter().for_each(|listener| listener.close_books(&all, end));
    assert!(audience.slow.evicted > 0, "or nothing was tried");
    audience.all().into_iter().for_each(|listener| listener.leave());
    processes.iter().for_each(Process::end);
    hall.no_slot_is_lost(&mut last, reclaim);
    (one.is_some(), two.is_some())
}

impl Audience<'_> {
    fn subscribers_live<'h>(&self, hall: &'h Hall) -> Vec<Process<'h, kernel::Plain>> {
        (10..15).map(|row| hall.process(Who::new(row, 1))).collect()
    }
}

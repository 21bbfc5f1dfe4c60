//! Lives of those who publish ticks, and of those who copy them.

use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::life::{Delivery, Life, Standing};
use ringbuf_core::peer::{Locks, Who};
use ringbuf_core::subscriber::Start;
use ringbuf_core::tick_publisher::TickPublisher;
use ringbuf_core::tick_subscriber::TickSubscriber;
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::{Mortal, Plain, meanwhile, mortal};
use ringbuf_verification::tick_words::{TickSize, TickWords};
use std::cell::{Cell, RefCell};

/// Positions wrap in the middle of a life.
const START: u64 = u64::MAX - 6;
const WORDS: usize = 2;
const CAPACITY: usize = 4;
const PUBLISHER: Who = Who::new(0, 1);

type Publisher<'a> = TickPublisher<'a, Mortal>;

/// Every attempt at a message has another number, which stands in all of its words.
struct Floor {
    words: TickWords<Mortal>,
    kernel: kernel::Plain,
    attempts: Cell<u64>,
    /// What really happened: places and numbers, written down right after the publishing.
    committed: RefCell<Vec<(u64, u64)>>,
}

impl Floor {
    fn new(readers: usize) -> Self {
        let size = TickSize { capacity: CAPACITY, readers, words: WORDS };
        Self {
            words: TickWords::new(Mortal::default(), size, START, Plain::new, Plain::new),
            kernel: kernel::Plain::unlocked(),
            attempts: Cell::new(1),
            committed: RefCell::default(),
        }
    }

    fn process(&self, who: Who) -> Process<'_, kernel::Plain> {
        let process = Process::new(&self.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        process
    }

    fn publish(&self, publisher: &mut Publisher<'_>) -> Result<(), ClaimError> {
        let number = self.attempts.replace(self.attempts.get() + 1);
        let place = publisher.position().count().wrapping_sub(START);
        publisher.publish(&[number; WORDS])?;
        self.committed.borrow_mut().push((place, number));
        Ok(())
    }

    fn standing(&self, row: usize) -> Option<Standing> {
        Life::from_bits(self.words.readers[row].life.get()).standing()
    }
}

/// A subscriber, and what it heard.
struct Listener<'a> {
    subscriber: TickSubscriber<'a, Mortal>,
    first: u64,
    heard: Vec<(u64, u64)>,
    evicted: u32,
}

impl<'a> Listener<'a> {
    fn join(floor: &'a Floor, row: usize, who: Who, delivery: Delivery, start: Start) -> Self {
        let subscriber = TickSubscriber::join(floor.words.ring(), row, who, delivery, start);
        let first = subscriber.position().count().wrapping_sub(START);
        Self { subscriber, first, heard: Vec::new(), evicted: 0 }
    }

    fn hear_one(&mut self) -> bool {
        let mut copy = [0; WORDS];
        loop {
            match self.subscriber.read(&mut copy) {
                Ok(position) => {
                    assert_eq!(copy, [copy[0]; WORDS], "torn");
                    self.heard.push((position.count().wrapping_sub(START), copy[0]));
                    return true;
                }
                Err(ReceiveError::Empty) => return false,
                Err(ReceiveError::Evicted) => self.evicted += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn hear_all(&mut self) {
        while self.hear_one() {}
    }

    fn glance(&self) {
        let mut copy = [0; WORDS];
        match self.subscriber.latest(&mut copy) {
            Ok(_) => assert_eq!(copy, [copy[0]; WORDS], "torn"),
            Err(error) => assert_eq!(error, ReceiveError::Empty),
        }
    }

    /// It got or lost each message from its first to `end`, and each that it got is one that
    /// was there: of `all` that were ever shown.
    fn close_books(&self, all: &[(u64, u64)], end: u64) {
        let place = self.subscriber.position().count().wrapping_sub(START);
        assert_eq!(place, end, "it has heard all");
        assert_eq!(self.heard.len() as u64 + self.subscriber.lost(), end - self.first, "lost");
        assert!(self.heard.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        assert!(self.heard.iter().all(|message| all.contains(message)), "it stood there");
    }
}

/// Two publishers die, a third finishes. Which of the two lived?
pub(crate) fn publishers(first: u32, second: u32) -> (bool, bool) {
    let floor = Floor::new(4);
    let join = |row: u16, delivery| {
        let who = Who::new(10 + u32::from(row), 1);
        Listener::join(&floor, row.into(), who, delivery, Start::Newest)
    };
    let lossless = RefCell::new(join(0, Delivery::Lossless));
    let latest = RefCell::new(join(1, Delivery::Latest));
    let lossy = RefCell::new(join(2, Delivery::Lossy));
    let slow = RefCell::new(join(3, Delivery::Lossless));
    let _living: Vec<_> = (10..14).map(|row| floor.process(Who::new(row, 1))).collect();
    let mut incarnation = 0;
    let lives = [first, second, u32::MAX].map(|after| {
        incarnation += 1;
        let who = Who::new(0, incarnation);
        let process = floor.process(who);
        let lived = mortal(after, || {
            let mut publisher = TickPublisher::take_over(floor.words.ring()).expect("true words");
            while floor.committed.borrow().len() < CAPACITY + 3 {
                publisher.find_room().unwrap_or_default();
                if floor.publish(&mut publisher) == Err(ClaimError::Full) {
                    meanwhile(|| lossless.borrow_mut().hear_all());
                    assert!(!floor.words.ring().peers().sweep(who, &process), "all live");
                    if publisher.in_the_way().next().is_some() {
                        assert!(publisher.in_the_way().eq([3]));
                        assert_eq!(publisher.evict_those_in_the_way(), 1);
                        meanwhile(|| slow.borrow_mut().hear_one());
                    }
                }
                meanwhile(|| latest.borrow_mut().hear_all());
            }
            publisher.position()
        });
        process.end();
        lived
    });
    let end = lives[2].expect("it lives for ever").count().wrapping_sub(START);
    let listeners = [lossless, latest, lossy, slow].map(RefCell::into_inner);
    let [mut lossless, mut latest, mut lossy, mut slow] = listeners;
    [&mut lossless, &mut latest, &mut lossy, &mut slow].into_iter().for_each(Listener::hear_all);
    assert_eq!((lossless.evicted, lossless.subscriber.lost()), (0, 0), "it is waited for");
    let committed = floor.committed.borrow();
    assert!(committed.iter().all(|message| lossless.heard.contains(message)), "one is lost");
    let all = lossless.heard.clone();
    assert_eq!(all.len() as u64, end, "each position has one message");
    for listener in [&lossless, &latest, &lossy, &slow] {
        listener.close_books(&all, end);
    }
    assert!(slow.evicted > 0, "or nothing was tried");
    (lives[0].is_some(), lives[1].is_some())
}

/// Those who live while subscribers die.
struct Living<'a> {
    floor: &'a Floor,
    process: Process<'a, kernel::Plain>,
    publisher: Publisher<'a>,
    listener: Listener<'a>,
}

impl Living<'_> {
    /// Publishes one message after the other, and waits for nobody who is slow or dead.
    fn publish(&mut self, messages: u64) {
        for _ in 0..messages {
            if self.floor.publish(&mut self.publisher) == Err(ClaimError::Full) {
                self.listener.hear_all();
                self.floor.words.ring().peers().sweep(PUBLISHER, &self.process);
                self.publisher.evict_those_in_the_way();
                self.floor.publish(&mut self.publisher).expect("nobody is in the way");
            }
        }
    }

    fn place(&self) -> u64 {
        self.publisher.position().count().wrapping_sub(START)
    }
}

/// Two subscribers die, a third finishes. Which of the two lived?
pub(crate) fn subscribers(
    first: u32,
    second: u32,
    delivery: Delivery,
    start: Start,
) -> (bool, bool) {
    let floor = Floor::new(2);
    let process = floor.process(PUBLISHER);
    let publisher = TickPublisher::take_over(floor.words.ring()).expect("true words");
    let _lives = floor.process(Who::new(1, 1));
    let listener = Listener::join(&floor, 0, Who::new(1, 1), Delivery::Lossless, Start::Oldest);
    let living = RefCell::new(Living { floor: &floor, process, publisher, listener });
    living.borrow_mut().publish(2);
    let mut incarnation = 0;
    let lives = [first, second, u32::MAX].map(|after| {
        incarnation += 1;
        let who = Who::new(2, incarnation);
        let process = floor.process(who);
        let lived = mortal(after, || {
            floor.words.ring().peers().sweep(who, &process);
            assert_eq!(floor.standing(1), Some(Standing::Idle), "nobody waits for the dead");
            let mut dying = Listener::join(&floor, 1, who, delivery, start);
            meanwhile(|| living.borrow_mut().publish(2));
            dying.hear_one();
            dying.glance();
            // More than the ring keeps: it is overtaken, or evicted.
            meanwhile(|| living.borrow_mut().publish(6));
            dying.hear_all();
            let (end, all) = meanwhile(|| {
                let mut living = living.borrow_mut();
                living.listener.hear_all();
                (living.place(), living.listener.heard.clone())
            });
            dying.close_books(&all, end);
            assert_eq!(dying.evicted > 0, delivery == Delivery::Lossless);
            dying.subscriber.leave();
        });
        process.end();
        lived.is_some()
    });
    let mut living = living.into_inner();
    living.publish(5);
    living.listener.hear_all();
    assert_eq!((living.listener.evicted, living.listener.subscriber.lost()), (0, 0));
    assert_eq!(living.listener.heard, *floor.committed.borrow(), "all, in order");
    assert_eq!(floor.standing(1), Some(Standing::Idle), "nobody waits for the dead");
    (lives[0], lives[1])
}

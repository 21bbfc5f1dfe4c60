//! A ring of a few ticks, and what its peers did.

use crate::kernel::{Kernel as _, Modelled, Process};
use crate::lab::{Lab, U32, U64};
use crate::tick_words::{TickSize, TickWords};
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::event::{Event, EventWords};
use ringbuf_core::life::{Delivery, Life, Standing};
use ringbuf_core::machine::Word as _;
use ringbuf_core::peer::{Locks as _, Who};
use ringbuf_core::position::Position;
use ringbuf_core::stamp::Stamp;
use ringbuf_core::subscriber::Start;
use ringbuf_core::tick_publisher::TickPublisher;
use ringbuf_core::tick_subscriber::TickSubscriber;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

/// One who writes.
pub type Publisher<'a> = TickPublisher<'a, Lab>;

/// As many words as can be torn apart.
const WORDS: usize = 2;

/// The words, the kernel, and a diary that no participant reads.
///
/// Every attempt at a message has another number, which stands in both of its words.
pub struct Ticker {
    words: TickWords<Lab>,
    room: EventWords<Lab>,
    kernel: Modelled,
    first: Position,
    attempts: Cell<u64>,
    /// Which attempts were made at each place, and which of them was seen there.
    tried: RefCell<BTreeMap<u64, Vec<u64>>>,
    seen: RefCell<BTreeMap<u64, u64>>,
    /// The place of every message whose publishing was executed.
    committed: RefCell<Vec<u64>>,
}

impl Ticker {
    /// An empty ring of so many entries whose first message stands at `start`.
    #[must_use]
    pub fn new(entries: usize, start: u64) -> Self {
        Self::of(entries, start, U64::new)
    }

    /// As [`new`](Self::new), of one in which nobody writes what another may be copying: all
    /// who read are waited for, and nobody is evicted.
    #[must_use]
    pub fn unhurried(entries: usize, start: u64) -> Self {
        Self::of(entries, start, U64::exclusive)
    }

    fn of(capacity: usize, start: u64, message: fn(u64) -> U64) -> Self {
        let size = TickSize { capacity, readers: 1, words: WORDS };
        Self {
            words: TickWords::new(Lab, size, start, U64::new, message),
            room: EventWords { epoch: U32::new(0), woken: U32::new(0) },
            kernel: Modelled::unlocked(),
            first: Position::new(start),
            attempts: Cell::new(1),
            tried: RefCell::default(),
            seen: RefCell::default(),
            committed: RefCell::default(),
        }
    }

    /// The event on which a publisher sleeps for room.
    #[must_use]
    pub fn room(&self) -> Event<'_, Lab> {
        Event::new(&Lab, &self.room)
    }

    /// The publisher that continues from the words.
    ///
    /// # Panics
    /// If the words cannot be true.
    #[must_use]
    pub fn publisher(&self) -> Publisher<'_> {
        TickPublisher::take_over(self.words.ring()).unwrap()
    }

    /// Sends so many messages, for which there is room.
    ///
    /// # Panics
    /// If there is none.
    pub fn send(&self, publisher: &mut Publisher<'_>, messages: u64) {
        for _ in 0..messages {
            assert!(self.try_send(publisher), "nobody is in the way");
        }
    }

    /// Sends a message, if there is room.
    ///
    /// # Panics
    /// If a word cannot be true.
    pub fn try_send(&self, publisher: &mut Publisher<'_>) -> bool {
        let attempt = self.attempts.replace(self.attempts.get() + 1);
        let place = publisher.position().since(self.first);
        self.tried.borrow_mut().entry(place).or_default().push(attempt);
        match publisher.publish(&[attempt; WORDS]) {
            Ok(()) => {
                self.committed.borrow_mut().push(place);
                true
            }
            Err(ClaimError::Full) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Leaves what a publisher leaves that dies with half of its message written.
    ///
    /// # Panics
    /// If the ring is large.
    pub fn half_write(&self, publisher: &Publisher<'_>) {
        let capacity = self.words.ring().capacity();
        let index = publisher.position().index(capacity);
        let entry = usize::try_from(index).expect("a small number");
        let stamp = Stamp::writing(publisher.position());
        self.words.stamp(entry).store(stamp.bits(), Relaxed);
        let attempt = self.attempts.replace(self.attempts.get() + 1);
        self.words.words[entry * self.words.entry_words + 1].store(attempt, Relaxed);
    }

    /// Who subscribes; `incarnation` counts those who did.
    #[must_use]
    pub fn subscriber(&self, incarnation: u32) -> Who {
        Who::new(1, incarnation)
    }

    /// Begins a process whose identity is locked.
    ///
    /// # Panics
    /// If it had been given to somebody before.
    pub fn live(&self, who: Who) {
        let process = Process::new(&self.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
    }

    /// The end of this process.
    pub fn die(&self, who: Who) {
        Process::new(&self.kernel, who.bits()).end();
    }

    /// Waits no longer for dead subscribers; whether there was one.
    pub fn sweep(&self) -> bool {
        let own = Who::new(0, 1);
        self.words.ring().peers().sweep(own, &Process::new(&self.kernel, own.bits()))
    }

    /// Nobody is waited for.
    ///
    /// # Panics
    /// If that is not so.
    pub fn is_deserted(&self) {
        let life = Life::from_bits(self.words.readers[0].life.load(Relaxed));
        assert_eq!(life.standing(), Some(Standing::Idle));
    }

    /// A new subscriber.
    #[must_use]
    pub fn join(&self, who: Who, delivery: Delivery, start: Start) -> Listener<'_> {
        let subscriber = TickSubscriber::join(self.words.ring(), 0, who, delivery, start);
        let began = subscriber.position();
        let is_waited_for = delivery == Delivery::Lossless;
        Listener { ticker: self, subscriber, began, got: Vec::new(), is_waited_for }
    }

    fn is_right(&self, place: u64, copy: [u64; WORDS]) {
        assert_eq!(copy, [copy[0]; WORDS], "the message at {place} is torn");
        assert!(self.tried.borrow()[&place].contains(&copy[0]), "of another place than {place}");
        let before = self.seen.borrow_mut().insert(place, copy[0]);
        assert!(before.is_none_or(|before| before == copy[0]), "another message at {place}");
    }
}

/// One who reads, and what it had.
pub struct Listener<'a> {
    ticker: &'a Ticker,
    /// The reading end.
    pub subscriber: TickSubscriber<'a, Lab>,
    began: Position,
    got: Vec<u64>,
    /// Whether it is lossless and was never evicted.
    is_waited_for: bool,
}

impl Listener<'_> {
    /// Reads a message; whether there is one now.
    ///
    /// # Panics
    /// If it is torn, of another place, or comes out of order; if the answer cannot be.
    pub fn read(&mut self) -> bool {
        let mut copy = [0; WORDS];
        let found = match self.subscriber.read(&mut copy) {
            Ok(position) => {
                let place = position.since(self.ticker.first);
                assert!(self.got.last().is_none_or(|&last| last < place), "in order");
                self.got.push(place);
                self.ticker.is_right(place, copy);
                true
            }
            Err(ReceiveError::Empty | ReceiveError::Busy) => false,
            Err(ReceiveError::Evicted) => {
                self.is_waited_for = false;
                false
            }
            Err(error) => panic!("{error}"),
        };
        let passed = self.subscriber.position().since(self.began);
        assert_eq!(self.got.len() as u64 + self.subscriber.lost(), passed, "got + lost");
        found
    }

    /// Looks at the newest message, if there is one.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn glance(&self) -> bool {
        let mut copy = [0; WORDS];
        match self.subscriber.latest(&mut copy) {
            Ok(position) => {
                self.ticker.is_right(position.since(self.ticker.first), copy);
                true
            }
            Err(ReceiveError::Empty | ReceiveError::Busy) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`read`](Self::read), and tells a publisher that waits, if it has to.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn read_and_tell(&mut self) -> bool {
        let found = self.read();
        if found && self.subscriber.tells() {
            self.ticker.room().notify();
        }
        found
    }

    /// Reads what is left.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn drain(&mut self) {
        // It may be told once that it was evicted.
        while self.read() || self.read() {}
    }

    /// Whether it was told that it was evicted.
    #[must_use]
    pub fn was_evicted(&self) -> bool {
        self.subscriber.delivery() == Delivery::Lossless && !self.is_waited_for
    }

    /// It is at the end, and had all that it was to have.
    ///
    /// # Panics
    /// If it is not, or had not.
    pub fn is_done(&self) {
        let committed = self.ticker.committed.borrow();
        let position = self.subscriber.position().since(self.ticker.first);
        let last = committed.last();
        assert!(last.is_none_or(|&last| position > last), "the last message is missed");
        if self.is_waited_for {
            assert_eq!(self.subscriber.lost(), 0, "who is waited for loses nothing");
            let began = self.began.since(self.ticker.first);
            for place in committed.iter().filter(|&&place| place >= began) {
                assert!(self.got.contains(place), "message {place} was committed");
            }
        }
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}

impl fmt::Debug for Listener<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("got", &self.got).finish_non_exhaustive()
    }
}

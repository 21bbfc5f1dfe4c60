//! Waiting for a peer that publishes, leaves or dies.

use super::peer::{ROW, Table};
use super::ring::Ring;
use crate::lab::{Lab, U32, UNTIL_WOKEN, mortal};
use loom::thread::yield_now;
use ringbuf_core::event::{Event, EventWords};
use ringbuf_core::peer::Who;
use ringbuf_core::spsc::Consumer;
use ringbuf_core::wait::{Counterpart as _, Patience, Peer, Step, WaitError};
use std::convert::Infallible;
use std::rc::Rc;

/// The peer that is waited for sits on the row from the start, as process 1.
struct Scene {
    ring: Ring,
    table: Table,
    event: EventWords<Lab>,
}

impl Scene {
    fn new() -> Rc<Self> {
        let table = Table::new();
        assert!(table.take(&table.process(1)).is_ok());
        let event = EventWords { epoch: U32::new(0), woken: U32::new(0) };
        Rc::new(Self { ring: Ring::new(0), table, event })
    }

    fn event(&self) -> Event<'_, Lab> {
        Event::new(&Lab, &self.event)
    }

    /// Publishes each item, then leaves, each with a wake-up.
    fn produce(&self, items: u64, notify: bool) {
        let mut producer = self.ring.producer();
        for _ in 0..items {
            assert!(self.ring.try_send(&mut producer, 1));
            if notify {
                self.event().notify();
            }
        }
        self.leave();
    }

    fn leave(&self) {
        self.table.words.leave(Who::new(ROW, 1));
        self.event().notify();
    }

    fn wait<T>(
        &self,
        patience: &mut impl Patience,
        look: impl FnMut() -> Result<Option<T>, Infallible>,
    ) -> Result<T, WaitError<Infallible>> {
        let process = self.table.process(2);
        let peer = Peer { words: &self.table.words, row: ROW, locks: &process };
        peer.wait(&Lab, self.event(), patience, look)
    }

    /// Receives until nothing can come; why.
    fn drain(&self, patience: &mut impl Patience) -> WaitError<Infallible> {
        let mut consumer = self.ring.consumer();
        loop {
            if let Err(end) = self.wait(patience, || Ok(self.receive(&mut consumer))) {
                return end;
            }
        }
    }

    fn receive(&self, consumer: &mut Consumer<'_, Lab>) -> Option<()> {
        self.ring.try_receive(consumer, 1, 0).then_some(())
    }

    /// Nothing that was committed is left.
    fn is_drained(&self) {
        assert_eq!(self.ring.released.get(), self.ring.committed.get(), "the last item is missed");
    }
}

/// Sleeps, and nothing but a wake-up ends a sleep.
struct Sleeper;

impl Patience for Sleeper {
    fn next(&mut self) -> Step {
        Step::Sleep(UNTIL_WOKEN)
    }
}

/// Sleeps a slice, then asks the kernel.
struct Prober {
    slept: bool,
}

impl Patience for Prober {
    fn next(&mut self) -> Step {
        self.slept = !self.slept;
        if self.slept { Step::Sleep(1) } else { Step::Probe }
    }
}

/// Asks the kernel, and lets the others move after every question.
struct Asker {
    asked: bool,
}

impl Patience for Asker {
    fn next(&mut self) -> Step {
        self.asked = !self.asked;
        if self.asked { Step::Probe } else { Step::Spin }
    }
}

/// A consumer that only looks, without a system call, gets everything and then
/// learns that the producer closed.
///
/// # Panics
/// If it learns of the end before it has everything.
pub fn looks() {
    let scene = Scene::new();
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || far.produce(2, false));
    let process = scene.table.process(2);
    let peer = Peer { words: &scene.table.words, row: ROW, locks: &process };
    let mut consumer = scene.ring.consumer();
    let end = loop {
        match peer.look::<_, Infallible>(|| Ok(scene.receive(&mut consumer))) {
            Ok(Some(())) => {}
            Ok(None) => yield_now(),
            Err(end) => break end,
        }
    };
    assert_eq!(end, WaitError::Closed);
    thread.join().unwrap();
    scene.is_drained();
}

/// A consumer that sleeps gets all `ITEMS`, then learns that the producer closed.
///
/// # Panics
/// If it sleeps for ever (which is a deadlock), or misses something.
pub fn sleeps<const ITEMS: u64>() {
    sleeps_through(ITEMS, true);
}

/// As [`sleeps`], with a single item and a single wake-up, after the producer left.
///
/// # Panics
/// As [`sleeps`].
pub fn sleeps_until_left() {
    sleeps_through(1, false);
}

fn sleeps_through(items: u64, notify: bool) {
    let scene = Scene::new();
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || far.produce(items, notify));
    assert_eq!(scene.drain(&mut Sleeper), WaitError::Closed);
    thread.join().unwrap();
    scene.is_drained();
}

/// The producer dies at any step. The consumer gets everything that was committed
/// and then learns how the producer went.
///
/// # Panics
/// If it waits for the dead (which is an endless execution), or misses something.
pub fn probes(after: u32) {
    dies(after, &mut Asker { asked: false });
}

/// As [`probes`], with a slice of sleep before each question.
///
/// # Panics
/// As [`probes`].
pub fn sleeps_in_slices(after: u32) {
    dies(after, &mut Prober { slept: false });
}

fn dies(after: u32, patience: &mut impl Patience) {
    let scene = Scene::new();
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || {
        let lived = mortal(after, || far.produce(2, false)).is_some();
        far.table.process(1).end();
        lived
    });
    let end = scene.drain(patience);
    let lived = thread.join().unwrap();
    scene.is_drained();
    match end {
        WaitError::PeerDied => assert!(!lived, "who closed is not dead"),
        // It may also have died after it left, before its last wake-up.
        WaitError::Closed => assert!(scene.table.words.has_left(), "who died did not close"),
        other => panic!("{other:?}"),
    }
}

/// The producer is dead; a successor sends an item and leaves. The consumer waits
/// on, since a successor may come, until it learns that the producer closed.
///
/// # Panics
/// If it learns of the end before it has what the successor sent.
pub fn successor_closes() {
    let scene = Scene::new();
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || {
        far.table.process(1).end();
        let process = far.table.process(3);
        let seat = far.table.take_at_last(&process);
        assert!(far.ring.try_send(&mut far.ring.producer(), 1));
        far.table.words.leave(seat.who);
        process.end();
    });
    let mut patience = Asker { asked: false };
    while scene.drain(&mut patience) == WaitError::PeerDied {
        yield_now();
    }
    thread.join().unwrap();
    assert_eq!(scene.ring.committed.get(), 1);
    scene.is_drained();
}

/// A producer waits for room in a full ring. The consumer releases one item, then
/// leaves.
///
/// # Panics
/// If the producer sleeps for ever (which is a deadlock), or gets no room.
pub fn for_room() {
    let scene = Scene::new();
    let mut producer = scene.ring.producer();
    assert!(scene.ring.try_send(&mut producer, 2));
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || {
        assert!(far.ring.try_receive(&mut far.ring.consumer(), 1, 0));
        far.event().notify();
        far.leave();
    });
    let sent = scene.wait(&mut Sleeper, || Ok(scene.ring.try_send(&mut producer, 1).then_some(())));
    assert_eq!(sent, Ok(()));
    let full = scene.wait(&mut Sleeper, || Ok(scene.ring.try_send(&mut producer, 1).then_some(())));
    assert_eq!(full, Err(WaitError::Closed));
    thread.join().unwrap();
}

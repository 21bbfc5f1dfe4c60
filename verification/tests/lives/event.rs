//! Lives of those who wake and of those who sleep.

use ringbuf_core::event::{Event, EventWords, Fencing};
use ringbuf_verification::mortal::{Mortal, Plain, meanwhile, mortal};
use std::cell::Cell;

const SLICE: u64 = 1;

fn words() -> EventWords<Mortal> {
    EventWords { epoch: Plain::new(0), woken: Plain::new(0) }
}

/// Somebody sleeps, two notifiers die, a third lives. Which of the two lived?
pub(crate) fn notifiers(first: u32, second: u32, fencing: Fencing) -> (bool, bool) {
    let (machine, words) = (Mortal::default(), words());
    let event = Event::new(&machine, &words).fenced(fencing);
    assert_eq!(event.sleep(SLICE, || None::<()>), None);
    assert!(machine.asleep.get());
    let lives = [first, second].map(|after| mortal(after, || event.notify()).is_some());
    if lives.contains(&true) {
        assert!(!machine.asleep.get(), "one that lived woke the sleeper");
    }
    event.notify();
    assert!(!machine.asleep.get(), "nobody sleeps through a notification");
    assert!(!event.notify(), "and nothing is left to do");
    (lives[0], lives[1])
}

/// Two sleepers die, a third lives and sleeps. Which of the two lived? A notifier
/// comes while the first announces itself, so that its announcement fails.
pub(crate) fn sleepers(first: u32, second: u32, fencing: Fencing) -> (bool, bool) {
    let (machine, words) = (Mortal::default(), words());
    let event = Event::new(&machine, &words).fenced(fencing);
    let lives = [first, second].map(|after| {
        let posted = Cell::new(false);
        let look = || {
            meanwhile(|| {
                event.notify();
                posted.replace(true).then_some(())
            })
        };
        let life = || while event.sleep(SLICE, look).is_none() {};
        mortal(after, life).is_some()
    });
    machine.asleep.set(false);
    assert_eq!(event.sleep(SLICE, || None::<()>), None);
    assert!(machine.asleep.get(), "whatever the dead announced, one can sleep");
    assert!(event.notify(), "and is woken");
    assert!(!machine.asleep.get());
    (lives[0], lives[1])
}

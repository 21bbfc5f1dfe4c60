//! Sleeping with no slice: a wake-up that is lost is a deadlock, which loom reports.

use crate::lab::{FOREVER, Lab, U32, UNTIL_WOKEN, mortal, refused};
use loom::sync::atomic::AtomicU64;
use ringbuf_core::event::{Event, EventWords, Fencing};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Release};

struct Scene {
    words: EventWords<Lab>,
    /// What each notifier publishes before it notifies.
    posted: [AtomicU64; 2],
    fencing: Fencing,
}

impl Scene {
    fn new(fencing: Fencing) -> Rc<Self> {
        Rc::new(Self {
            words: EventWords { epoch: U32::new(0), woken: U32::new(0) },
            posted: [AtomicU64::new(0), AtomicU64::new(0)],
            fencing,
        })
    }

    fn event(&self) -> Event<'_, Lab> {
        Event::new(&Lab, &self.words).fenced(self.fencing)
    }

    fn post(&self, number: usize) {
        self.posted[number].store(1, Release);
        self.event().notify();
    }

    fn look(&self, number: usize) -> Option<()> {
        (self.posted[number].load(Acquire) == 1).then_some(())
    }

    fn wait_for(&self, number: usize) {
        while self.look(number).is_none() {
            if self.event().sleep(UNTIL_WOKEN, || self.look(number)).is_some() {
                return;
            }
        }
    }
}

/// One publishes and notifies, one sleeps until it finds what was published.
pub fn wakes(fencing: Fencing) {
    let scene = Scene::new(fencing);
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || far.post(0));
    scene.wait_for(0);
    thread.join().unwrap();
}

/// As [`wakes`], with the notifier run first: loom does not try the same
/// interleavings then.
pub fn wakes_first(fencing: Fencing) {
    let scene = Scene::new(fencing);
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || far.wait_for(0));
    scene.post(0);
    thread.join().unwrap();
}

/// One publishes and notifies with a full fence, since heavy ones do not reach it; one
/// sleeps with heavy ones.
pub fn wakes_mixed() {
    let scene = Scene::new(Fencing::Light);
    let far = Rc::clone(&scene);
    let thread = loom::thread::spawn(move || {
        far.posted[0].store(1, Release);
        far.event().fenced(Fencing::Heavy).notify();
    });
    scene.wait_for(0);
    thread.join().unwrap();
}

/// One publishes and notifies with a light fence, one sleeps and is refused its heavy one:
/// it may be missed, and must not sleep until it is woken.
pub fn refused_does_not_wait_to_be_woken() {
    refused(|| wakes(Fencing::Light));
}

/// Two publish and notify; the first dies at any step. One sleeps until it finds
/// what the second published.
pub fn notifier_dies(after: u32) {
    let scene = Scene::new(Fencing::Full);
    let threads = [(0, after), (1, FOREVER)].map(|(number, after)| {
        let far = Rc::clone(&scene);
        loom::thread::spawn(move || {
            mortal(after, || far.post(number));
        })
    });
    scene.wait_for(1);
    for thread in threads {
        thread.join().unwrap();
    }
}

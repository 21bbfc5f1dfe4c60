//! Goal: a message that is published just when the other side goes to sleep is never slept
//! through (edge DOZE, P4), also where the publisher issues no fence: what is proven of the
//! models, the kernel and this processor keep.
//! Method: two threads on two processors, rounds of one message each, the last one that
//! there is: another would hide that one was missed. In each the publisher waits a moment, a
//! little longer if the reader had found the last message without a sleep and a little less
//! if it had slept, so that the two keep meeting where they can miss each other. Who slept
//! was announced before it looked in vain, so whoever published after that has to wake: a
//! round with a sleep and no wake-up is a message that was missed, and no clock is asked.
//! Without the sleeper's barrier, or the publisher's full fence, one of the first few
//! thousand is. `RINGBUF_ROUND_TRIPS` is how many there are with either fence (20,000).

mod process;

use process::{HANG, knob, report};
use ringbuf_shm::{Fence, Options, spsc};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::hint::{black_box, spin_loop};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// How much more or less the publisher waits the next time, in turns of a loop.
const STEP: u64 = 8;
/// By how much that differs from one round to the next.
const SPREAD: u64 = 64;
/// How long the reader waits in each round, so that the publisher can be the first.
const HEAD_START: u64 = 500;
/// Looks before somebody else may have the processor.
const TURNS: u32 = 1000;
/// There are no more rounds.
const OVER: u64 = u64::MAX;

/// How far somebody is.
#[derive(Default)]
#[repr(align(128))]
struct Mark(AtomicU64);

impl Mark {
    fn set(&self, number: u64) {
        self.0.store(number, Release);
    }

    fn get(&self) -> u64 {
        self.0.load(Acquire)
    }

    fn is_at(&self, number: u64) -> bool {
        spin_loop();
        self.get() >= number
    }

    /// Waits until it is set to `number` or more.
    fn wait_for(&self, number: u64) -> u64 {
        let start = Instant::now();
        // Not by `until`, which sleeps: the two are to be awake at the same time.
        while !(0..TURNS).any(|_| self.is_at(number)) {
            assert!(start.elapsed() < HANG, "waited {HANG:?} for round {number}");
            yield_now();
        }
        self.get()
    }
}

#[derive(Default)]
struct Meeting {
    begun: Mark,
    published: Mark,
    moment: Mark,
}

/// Lets so many turns of a loop pass.
fn pass(turns: u64) {
    (0..turns).for_each(|turn| _ = black_box(turn));
}

/// Two of the processors that this process may use, if there are two.
fn processors() -> Option<[CpuSet; 2]> {
    let allowed = sched_getaffinity(None).unwrap();
    let alone = |number| {
        let mut one = CpuSet::new();
        one.set(number);
        one
    };
    let mut found = (0..CpuSet::MAX_CPU).filter(|&number| allowed.is_set(number)).map(alone);
    Some([found.next()?, found.next()?])
}

fn publish(producer: &mut spsc::Producer<u64>, meeting: &Meeting) {
    let mut random = 1_u64;
    for number in 1.. {
        if meeting.begun.wait_for(number) == OVER {
            return;
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        pass(meeting.moment.get() + random % SPREAD);
        producer.push(number).unwrap();
        meeting.published.set(number);
    }
}

fn meet(fence: Fence, [near, far]: [CpuSet; 2]) {
    sched_setaffinity(None, &near).unwrap();
    let options = Options::new().capacity(2).fence(fence);
    let mut producer = spsc::Producer::<u64>::create_unnamed(&options).unwrap();
    let mut consumer = spsc::Consumer::<u64>::attach(producer.ring()).unwrap();
    consumer.set_spin(Duration::ZERO);
    let ring = producer.ring().clone();
    let counts = || {
        let stats = ring.stats().unwrap();
        assert_eq!(stats.consumer.unfenced, 0, "the barrier is refused");
        (stats.consumer.sleeps, stats.producer.wakes)
    };
    let rounds = knob("RINGBUF_ROUND_TRIPS", 20_000);
    let (meeting, start) = (Meeting::default(), Instant::now());
    let (mut slept, mut missed) = (0, None);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            sched_setaffinity(None, &far).unwrap();
            publish(&mut producer, &meeting);
        });
        let mut before = counts();
        for number in 1..=rounds {
            meeting.begun.set(number);
            pass(HEAD_START);
            let found = consumer.pop_timeout(HANG);
            meeting.published.wait_for(number);
            let now = counts();
            let sleeps = now.0 > before.0;
            if found != Ok(number) || (sleeps && now.1 == before.1) {
                missed = Some((number, found));
                break;
            }
            let moment = meeting.moment.get();
            meeting.moment.set(if sleeps { moment.saturating_sub(STEP) } else { moment + STEP });
            slept += u64::from(sleeps);
            before = now;
        }
        meeting.begun.set(OVER);
    });
    assert_eq!(missed, None, "{fence:?}: a message of {rounds} was slept through");
    report(&format!("doze, {fence:?}: {rounds} rounds, {slept} sleeps, {:.1?}", start.elapsed()));
    // They do not meet if either is always first.
    assert!((1..rounds).contains(&slept), "{slept} sleeps");
}

#[test]
fn the_last_message_before_a_sleep_is_not_missed() {
    let Some(processors) = processors() else {
        return report("SKIPPED: there is one processor");
    };
    // One after the other: four threads do not meet on two processors.
    meet(Fence::Full, processors);
    let ring = spsc::Producer::<u64>::create_unnamed(&Options::new()).unwrap();
    if ring.ring().fence() == Fence::Full {
        return report("SKIPPED: this kernel offers no membarrier");
    }
    meet(Fence::Asymmetric, processors);
}

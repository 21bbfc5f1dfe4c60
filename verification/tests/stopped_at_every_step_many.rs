//! Goal: there is no instruction at which stopping a peer of a ring of many loses, tears
//! or repeats a message, or takes anything from it: who stands keeps what it holds, and
//! once it goes on its operation is done; and who stands while it sweeps takes nothing
//! from those who came to the rows of the dead meanwhile (P1, P2).
//! Method: a process does one operation, one instruction at a time (ptrace), and stands
//! after the first, the second, … the last. Meanwhile others come, sweep, and go as far
//! round the ring as they can; then it goes on. What all of them got is added up.
//!
//! `RINGBUF_STEPS` is about how many instructions may be stepped for one operation (1): the
//! stops are spread over it, and there is one after every change of a word of the
//! protocol. With 0 there is one for every instruction. Before newcomers come, it stands
//! after each question that it asked the kernel.

mod process;

use process::course::Moment;
use process::ends::Kind;
use process::many::{Claim, Consumer, Producer, View, read_all};
use process::operation::*;
use process::places::Places;
use process::trace::Tracee;
use process::trial::{Trial, check_all_works};
use process::{HANG, knob, report};
use ringbuf_shm::{ClaimError, Presence, Ring};
use std::collections::BTreeSet;
use std::time::Instant;

/// The number of the first message that is written while the other stands.
const MEANWHILE: u64 = 100;

/// The process that is stopped.
#[test]
#[ignore = "a process of the other tests"]
fn victim() {
    process::operation::victim();
}

/// What `who` holds: slots, and their words.
fn held_by(places: &Places, who: u64) -> Vec<(usize, u64)> {
    let held = places.states().filter(|&at| places.is_of(at, who));
    held.map(|at| (at, places.words.load(at))).collect()
}

/// Those who do not stand, and what they see.
struct Others {
    kind: Kind,
    ring: Ring,
    producer: Producer,
    consumer: Consumer,
    written: u64,
    /// Messages, and how often each had been shown before.
    seen: Vec<(u64, u8)>,
}

impl Others {
    /// Claims the next place, if there is room.
    fn claim(&mut self) -> Option<Claim> {
        let claim = self.producer.try_claim();
        assert!(matches!(claim, Ok(_) | Err(ClaimError::Full)), "{:?}", claim.err());
        claim.ok()
    }

    fn commit(&mut self, claim: Claim) {
        claim.commit(MEANWHILE + self.written).unwrap();
        self.written += 1;
    }

    fn read_all(&mut self) {
        self.seen.extend(read_all(&mut self.consumer));
    }

    /// Some come and sweep; the others fill the ring as far as they can, and read what
    /// they can, and again, since there is room now.
    fn go_round(&mut self) {
        drop(attach_producer(self.kind, &self.ring));
        drop(Consumer::attach(self.kind, &self.ring).unwrap());
        self.read_all();
        for _ in 0..2 {
            while let Some(claim) = self.claim() {
                self.commit(claim);
            }
            self.read_all();
        }
        // Something to find for one who has not taken anything yet.
        if let Some(claim) = self.claim() {
            self.commit(claim);
        }
    }

    /// Checks that nothing came twice or from nowhere, or in another order than it was
    /// written, and says what did not come, and how often all had been shown before.
    fn missing(&self, others: impl IntoIterator<Item = u64>) -> (Vec<u64>, u64) {
        let fresh = |&&(number, again): &&(u64, u8)| number >= MEANWHILE && again == 0;
        assert!(self.seen.iter().filter(fresh).is_sorted(), "{:?}", self.seen);
        let mut left: BTreeSet<_> =
            others.into_iter().chain(MEANWHILE..MEANWHILE + self.written).collect();
        for (number, _) in &self.seen {
            assert!(left.remove(number), "{number} came, or came again: {:?}", self.seen);
        }
        let again = self.seen.iter().map(|&(_, again)| u64::from(again)).sum();
        (left.into_iter().collect(), again)
    }
}

/// What an operation may cost, once it is done and its process has ended with all it took:
/// messages that it took for good, how often messages came again, messages dropped.
fn costs(operation: Operation) -> &'static [(usize, u64, u64)] {
    match operation {
        Release | Pop | PopDropping | PopHinting => &[(1, 0, 0)],
        // What the process had taken; what a dead one had; both.
        Read | AttachConsumer => &[(0, 1, 0)],
        Sweep => &[(0, 2, 0)],
        // Who stands while it drops the one may find no other when it goes on.
        SweepDropping => &[(1, 0, 1), (2, 0, 2)],
        _ => &[(0, 0, 0)],
    }
}

/// Stops at this moment, lets others go round, and lets it go on. False: the operation
/// was over before.
fn stop_at(trial: Trial, moment: Moment) -> bool {
    let Trial { kind, operation, ring, places, producer, consumer, notes, child, .. } = trial;
    let mut others = Others { kind, ring, producer, consumer, written: 0, seen: vec![] };
    // In a Strict ring who has spun for its time passes the place of one who stands, whose
    // word is another then: whether that happens is not for the clock to say.
    others.consumer.set_spin(HANG);
    let pid = child.id();
    let mut tracee = Tracee::meet(child, &notes).unwrap();
    let stands = moment.reach(&mut tracee, || Trial::watched(&places, kind));
    // None of one that comes and has not said so yet.
    let row = places.row_of(pid);
    let who = row.map(|row| places.who(row));
    let held = who.map(|who| held_by(&places, who));
    others.go_round();
    let still = who.map(|who| held_by(&places, who));
    assert_eq!(still, held, "it keeps what it holds, and gets nothing");
    let stats = others.ring.mpmc_stats().unwrap();
    let mut peers = stats.producers.iter().chain(&stats.consumers).filter(|peer| peer.pid == pid);
    assert_eq!(peers.next().map(|peer| peer.presence), row.map(|_| Presence::Alive));
    let status = tracee.go_on();
    assert!(status.success(), "{operation:?}: {status}");
    others.read_all();
    let (written, read) = operation.before();
    let commits = matches!(operation, Commit | Push | PushHinting);
    let mut numbers: BTreeSet<_> = (read + 1..=written + u64::from(commits)).collect();
    if matches!(operation, Sweep | SweepDropping) {
        // Never committed.
        numbers.remove(&4);
    }
    let (missing, again) = others.missing(numbers);
    let dropped = others.ring.mpmc_stats().unwrap().dropped;
    let found = (missing.len(), again, dropped);
    let costs = costs(operation);
    assert!(costs.contains(&found), "{operation:?}: {found:?}, {missing:?} of {:?}", others.seen);
    check_all_works(kind, &others.ring, others.producer, others.consumer);
    stands
}

/// The rows to which newcomers come, of consumers and of producers.
const ROWS: [u64; 2] = [SEATS as u64 + 1, DEAD_PRODUCER];

/// Two who come, one of them to the row of a dead one, and get hold of the very slots that
/// the dead held.
struct Newcomers {
    claim: Claim,
    view: View,
}

impl Newcomers {
    /// `None`: who stands holds one of the slots.
    fn come(others: &mut Others, places: &Places) -> Option<Self> {
        let lane = lane(others.kind);
        let words = [places.state(lane, THIRD), places.state(lane, THIRD + 1)];
        // The process that stands has that of the dead consumer.
        let [consumer, producer] = ROWS.map(|row| {
            assert_eq!(places.pid(row), std::process::id(), "another row");
            places.who(row)
        });
        others.read_all();
        let mut view = None;
        loop {
            let claim = others.claim()?;
            if places.is_of(words[1], producer) {
                let view = view.expect("the place before");
                return Some(Self { claim, view });
            }
            let keeps = places.is_of(words[0], producer);
            others.commit(claim);
            let number = MEANWHILE + others.written - 1;
            let read = others.consumer.try_read().unwrap();
            assert_eq!((read.number(), read.redelivered()), (number, 0));
            others.seen.push((number, 0));
            if keeps {
                assert!(places.is_of(words[0], consumer));
                view = Some(read);
            }
        }
    }
}

/// Stops at this moment, lets newcomers take what the dead had, and lets it go on.
/// Whether they did: it may hold something of that itself.
fn stop_before_newcomers(trial: Trial, moment: Moment) -> bool {
    let Trial { kind, operation, ring, places, producer, consumer, notes, child, .. } = trial;
    let mut tracee = Tracee::meet(child, &notes).unwrap();
    moment.reach(&mut tracee, || Trial::watched(&places, kind));
    let mut others = Others {
        kind,
        producer: attach_producer(kind, &ring),
        consumer: Consumer::attach(kind, &ring).unwrap(),
        ring: ring.clone(),
        written: 0,
        seen: vec![],
    };
    let newcomers = Newcomers::come(&mut others, &places);
    let hold = || ROWS.map(|row| held_by(&places, places.who(row)));
    let held = hold();
    let status = tracee.go_on();
    assert!(status.success(), "{operation:?}: {status}");
    let came = newcomers.is_some();
    if let Some(Newcomers { claim, view }) = newcomers {
        assert_eq!(hold(), held, "newcomers keep what they hold");
        assert_eq!(held.map(|slots| slots.len()), [1, 1]);
        let number = MEANWHILE + others.written - 1;
        assert_eq!(view.number(), number, "still whole");
        drop(view);
        others.commit(claim);
    }
    others.read_all();
    let (missing, again) = others.missing([3, 5]);
    let dropped = others.ring.mpmc_stats().unwrap().dropped;
    // What the dead one had read; and, if there was any left, what this one had.
    let gone = missing.len() as u64;
    match operation {
        Sweep => {
            assert!(gone == 0 && dropped == 0 && (1..=2).contains(&again), "{:?}", others.seen)
        }
        _ => assert!(gone == dropped && again == 0 && (1..=2).contains(&gone), "{:?}", others.seen),
    }
    drop(others);
    check_all_works(kind, &ring, producer, consumer);
    came
}

/// Stops at every step, or at as many as asked for; whether it did, or may not.
fn stop_each(kind: Kind, operation: Operation) -> bool {
    let Some(course) = Trial::new(kind, operation).course() else { return skipped() };
    stop_all(kind, operation, course.moments(knob("RINGBUF_STEPS", 1)), stop_at)
}

fn stop_all(
    kind: Kind,
    operation: Operation,
    moments: Vec<Moment>,
    stop: fn(Trial, Moment) -> bool,
) -> bool {
    let (start, stops) = (Instant::now(), moments.len());
    let in_time = moments.into_iter().filter(|&moment| stop(Trial::new(kind, operation), moment));
    let in_time = in_time.count();
    report(&format!(
        "stopped in {operation:?} in {kind:?} of many: {stops} stops, {in_time} of them in time, \
         {:.1?}",
        start.elapsed()
    ));
    in_time > 0
}

fn skipped() -> bool {
    report("SKIPPED: this process may not trace its children");
    true
}

#[test]
fn a_producer_that_stands_at_any_instruction_keeps_its_place_and_goes_on() {
    for operation in [Claim, Commit, Abort, PushHinting] {
        assert!(stop_each(Kind::Slots, operation));
    }
    assert!(stop_each(Kind::Bytes, Push));
}

#[test]
fn a_consumer_that_stands_at_any_instruction_keeps_its_message_and_goes_on() {
    for operation in [Read, PopDropping, PopHinting] {
        assert!(stop_each(Kind::Slots, operation));
    }
    assert!(stop_each(Kind::Bytes, Release));
}

#[test]
fn who_stands_while_it_comes_keeps_nobody_out() {
    assert!(stop_each(Kind::Slots, AttachProducer));
}

#[test]
fn others_finish_what_one_sweeps_that_stands() {
    assert!(stop_each(Kind::Slots, Sweep));
}

#[test]
fn who_stands_while_it_sweeps_takes_nothing_from_those_who_came_since() {
    for (kind, operation) in [(Kind::Slots, Sweep), (Kind::Bytes, SweepDropping)] {
        let trial = Trial::new(kind, operation);
        let Some(mut tracee) = Tracee::meet(trial.child, &trial.notes) else {
            skipped();
            return;
        };
        // What the kernel said is out of date at once.
        let moments = (1..=tracee.count_system_calls()).map(Moment::Calls).collect();
        drop(tracee);
        assert!(stop_all(kind, operation, moments, stop_before_newcomers));
    }
}

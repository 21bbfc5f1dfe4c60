//! A ring of many with four producers and four consumers in processes of their own,
//! any of which can be killed and followed.
//!
//! Every process logs what it is about to do and what it did; when all have ended, the
//! [books](super::books) are made of the logs. Producers claim several places, and
//! commit or abort them in any order; consumers hold several messages, and release
//! them in any order.

use super::books::{Books, Summary};
use super::corpse::{Corpse, HeldUp, SLICES_MAX};
use super::ends::Kind;
use super::log::{Log, Step};
use super::many::{self, Claim, Consumer, Producer, View};
use super::notes::{Note, Notes};
use super::places::Places;
use super::random::{Random, mix};
use super::{Child, enter, note_panics, number, until, variable};
use ringbuf_shm::{ClaimError, Options, Presence, ReadError, Redelivery, Ring, Sleeper};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Processes on each side, and seats.
const SIDE: usize = 4;
/// The most places or messages that one process holds.
const HELD_MAX: u64 = 3;
/// The longest that it holds them, now and then.
const HOLD_MAX_MICROS: u64 = 400;
/// How often it is looked whether the dead still hold something.
const LOOK_EVERY: Duration = Duration::from_micros(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Producer,
    Consumer,
}

impl Side {
    fn entry(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// What the ring is like, and how its peers use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) capacity: u64,
    pub(crate) lanes: u32,
    pub(crate) first_position: u64,
    pub(crate) redelivery: Redelivery,
    pub(crate) redeliveries_max: u32,
    pub(crate) sleeper: Sleeper,
    pub(crate) spin: Duration,
    /// How long one call of a process waits before it looks for the wish to finish.
    pub(crate) call: Duration,
}

/// One life: a process that runs, or one that was killed.
#[derive(Debug)]
struct Member {
    side: Side,
    id: u64,
    child: Child,
}

#[derive(Debug)]
pub(crate) struct Crew {
    plan: Plan,
    ring: Ring,
    places: Places,
    notes: Notes,
    alive: Vec<Member>,
    dead: Vec<(Side, u64)>,
    /// Of whom it is watched when others have given up what they held.
    corpses: Vec<Corpse>,
    held_up: HeldUp,
    next_id: u64,
    directory: TempDir,
}

impl Crew {
    /// Makes the ring, and runs the ignored tests `producer` and `consumer`, which call
    /// [`produce`] and [`consume`].
    pub(crate) fn start(plan: Plan) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new()
            .capacity(plan.capacity)
            .lanes(plan.lanes)
            .producers_max(u32::try_from(SIDE).unwrap())
            .consumers_max(u32::try_from(SIDE).unwrap())
            .first_position(plan.first_position)
            .redelivery(plan.redelivery)
            .redeliveries_max(plan.redeliveries_max)
            .sleeper(plan.sleeper);
        let ring = many::create(plan.kind, &directory.path().join("ring"), &options);
        let notes = Notes::create(&directory.path().join("notes"));
        let mut crew = Self {
            plan,
            places: Places::of(&ring),
            ring,
            notes,
            alive: vec![],
            dead: vec![],
            corpses: vec![],
            held_up: HeldUp::default(),
            next_id: 1,
            directory,
        };
        for side in [Side::Consumer, Side::Producer].repeat(SIDE) {
            crew.follow(side);
        }
        crew
    }

    fn follow(&mut self, side: Side) {
        let path = |name: &str| self.directory.path().join(name);
        let id = self.next_id;
        self.next_id += 1;
        Log::create(&path(&id.to_string()));
        let text = |name: &str| path(name).display().to_string();
        let variables = [
            ("RINGBUF_TEST_RING", text("ring")),
            ("RINGBUF_TEST_NOTES", text("notes")),
            ("RINGBUF_TEST_LOG", text(&id.to_string())),
            ("RINGBUF_TEST_ID", id.to_string()),
            ("RINGBUF_TEST_KIND", self.plan.kind.number().to_string()),
            ("RINGBUF_TEST_LANES", self.plan.lanes.to_string()),
            ("RINGBUF_TEST_SPIN", self.plan.spin.as_nanos().to_string()),
            ("RINGBUF_TEST_CALL", self.plan.call.as_nanos().to_string()),
        ];
        let child = Child::spawn(side.entry(), &variables);
        self.alive.push(Member { side, id, child });
    }

    /// Kills one of the processes after a random moment, and lets another follow at once.
    pub(crate) fn replace_one(&mut self, random: &mut Random, most: Duration) {
        self.watch(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let side = self.kill_one(random);
        self.follow(side);
    }

    /// The same, but those who are left give up what the dead held before another follows:
    /// whoever comes would do it for them.
    pub(crate) fn replace_one_late(&mut self, random: &mut Random, most: Duration) {
        self.watch(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let side = self.kill_one(random);
        until("the others to give up what the dead held", || {
            self.look_at_corpses();
            self.corpses.is_empty()
        });
        self.follow(side);
    }

    /// Kills everybody after a random moment, and lets as many others follow.
    pub(crate) fn replace_all(&mut self, random: &mut Random, most: Duration) {
        std::thread::sleep(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let sides: Vec<_> = (0..2 * SIDE).map(|_| self.kill_one(random)).collect();
        // Nobody is left to be held up.
        self.corpses.clear();
        let stats = self.ring.mpmc_stats().unwrap();
        let mut peers = stats.producers.iter().chain(&stats.consumers);
        assert!(peers.all(|peer| peer.presence != Presence::Alive), "{stats:?}");
        sides.into_iter().for_each(|side| self.follow(side));
    }

    fn kill_one(&mut self, random: &mut Random) -> Side {
        let victim = usize::try_from(random.below(self.alive.len() as u64)).unwrap();
        let Member { side, id, mut child } = self.alive.swap_remove(victim);
        let pid = child.id();
        child.kill();
        assert_eq!(self.notes.get(Note::Failed), 0, "a process found something wrong");
        self.corpses.extend(Corpse::of(&self.places, pid));
        self.dead.push((side, id));
        side
    }

    /// Looks at what the dead hold, for so long.
    fn watch(&mut self, time: Duration) {
        let start = Instant::now();
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.look_at_corpses();
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }

    fn look_at_corpses(&mut self) {
        let (places, held_up) = (&self.places, &mut self.held_up);
        self.corpses.retain_mut(|corpse| {
            let given_up = corpse.is_given_up(places);
            if given_up {
                held_up.raise(corpse.held_up());
            }
            !given_up
        });
    }

    /// Lets all finish, and checks what became of every message.
    pub(crate) fn finish(mut self) -> Summary {
        for (side, note) in [(Side::Producer, Note::Finish), (Side::Consumer, Note::Drain)] {
            self.notes.set(note, 1);
            for member in self.alive.iter_mut().filter(|member| member.side == side) {
                let status = member.child.wait();
                assert!(status.success(), "{} {} failed: {status}", side.entry(), member.id);
            }
        }
        assert!(many::all_free(&self.ring), "{:?}", self.ring.mpmc_stats());
        many::take_every_seat(self.plan.kind, &self.ring, SIDE, SIDE);
        let log = |id: u64| Log::open(&self.directory.path().join(id.to_string()));
        let redeliveries_max = match self.plan.redelivery {
            Redelivery::Drop => 0,
            _ => self.plan.redeliveries_max,
        };
        let lane = |number| lane_of(number, self.plan.lanes);
        let mut books = Books::new(u8::try_from(redeliveries_max).unwrap());
        let lives = self.alive.iter().map(|member| (member.side, member.id, false));
        let lives = lives.chain(self.dead.iter().map(|&(side, id)| (side, id, true)));
        for (side, id, died) in lives {
            match side {
                Side::Producer => books.add_producer(log(id).entries(), died),
                Side::Consumer => books.add_consumer(log(id).entries(), died, lane),
            }
        }
        let mut summary = books.close(self.ring.mpmc_stats().unwrap().dropped);
        summary.longest = Duration::from_nanos(self.notes.get(Note::Longest));
        summary.long_waits = self.notes.calls(0);
        summary.held_up = self.held_up;
        summary
    }
}

/// The lane of a message.
fn lane_of(number: u64, lanes: u32) -> u32 {
    u32::try_from(mix(!number) % u64::from(lanes)).unwrap()
}

/// What an entry was told.
struct Orders {
    kind: Kind,
    lanes: u32,
    ring: Ring,
    notes: Notes,
    log: Log,
    spin: Duration,
    call: Duration,
    id: u64,
}

fn orders() -> Orders {
    enter();
    let notes = || Notes::open(&PathBuf::from(variable("RINGBUF_TEST_NOTES")));
    note_panics(notes());
    Orders {
        kind: Kind::from_number(number("RINGBUF_TEST_KIND")),
        lanes: u32::try_from(number("RINGBUF_TEST_LANES")).unwrap(),
        ring: Ring::open(PathBuf::from(variable("RINGBUF_TEST_RING"))).unwrap(),
        notes: notes(),
        log: Log::open(&PathBuf::from(variable("RINGBUF_TEST_LOG"))),
        spin: Duration::from_nanos(number("RINGBUF_TEST_SPIN")),
        call: Duration::from_nanos(number("RINGBUF_TEST_CALL")),
        id: number("RINGBUF_TEST_ID"),
    }
}

/// How long a process has been waiting for its next success.
struct Wait<'a> {
    notes: &'a Notes,
    places: Places,
    /// The row of this process, which counts how often it asked who lives.
    row: u64,
    /// And how often it had asked then. Unknown before the first success: perhaps nobody
    /// else was there.
    since: Option<(Instant, u64)>,
}

impl<'a> Wait<'a> {
    /// Of a process that has taken a seat.
    fn new(notes: &'a Notes, ring: &Ring) -> Self {
        let places = Places::of(ring);
        let row = places.row_of(std::process::id()).unwrap();
        Self { notes, places, row, since: None }
    }

    fn succeeded(&self) {
        let since = self.since.filter(|_| self.notes.get(Note::Finish) == 0);
        let Some((since, probes)) = since else { return };
        let waited = since.elapsed();
        self.notes.raise(Note::Longest, u64::try_from(waited.as_nanos()).unwrap());
        // Who waits asks once a slice; one that asked less often was not held up by anybody,
        // but had no processor.
        if self.places.probes(self.row) > probes + SLICES_MAX {
            self.notes.count_call(0);
        }
    }

    fn begin(&mut self) {
        self.since = Some((Instant::now(), self.places.probes(self.row)));
    }
}

/// Now and then, does nothing for a moment.
fn hold(random: &mut Random) {
    if random.below(16) == 0 {
        std::thread::sleep(Duration::from_micros(random.below(HOLD_MAX_MICROS)));
    }
}

/// Takes any of these out.
fn pick<T>(held: &mut Vec<T>, random: &mut Random) -> Option<T> {
    let index = usize::try_from(random.next() % held.len().max(1) as u64).unwrap();
    (!held.is_empty()).then(|| held.swap_remove(index))
}

/// A producer's process: commits messages until it is told to finish.
pub(crate) fn produce() {
    let Orders { kind, lanes, ring, notes, mut log, spin, call, id } = orders();
    let mut producer = Producer::attach(kind, &ring).unwrap();
    producer.set_spin(spin);
    let mut random = Random::new(id);
    let mut wait = Wait::new(&notes, &ring);
    let mut numbers = id << 32 | 1..;
    while notes.get(Note::Finish) == 0 {
        if !log.has_room() {
            std::thread::sleep(call);
            wait.since = None;
            continue;
        }
        let first = numbers.next().unwrap();
        producer.set_lane(lane_of(first, lanes)).unwrap();
        if random.below(4) == 0 {
            log.add(Step::Committing, first, 0);
            match producer.push(first, call) {
                Ok(()) => {
                    log.add(Step::Committed, first, 0);
                    wait.succeeded();
                    wait.begin();
                }
                Err(error) => {
                    not_now(error);
                    log.add(Step::Refused, first, 0);
                }
            }
            continue;
        }
        let mut held: Vec<(u64, Claim)> = Vec::new();
        match producer.claim(call) {
            Ok(claim) => held.push((first, claim)),
            Err(error) => {
                not_now(error);
                continue;
            }
        }
        wait.succeeded();
        // Without waiting: consumers may wait for what is held.
        for _ in 0..random.below(HELD_MAX) {
            let number = numbers.next().unwrap();
            producer.set_lane(lane_of(number, lanes)).unwrap();
            match producer.try_claim() {
                Ok(claim) => held.push((number, claim)),
                Err(error) => not_now(error),
            }
        }
        while let Some((number, claim)) = pick(&mut held, &mut random) {
            hold(&mut random);
            if random.below(8) == 0 {
                drop(claim);
                continue;
            }
            log.add(Step::Committing, number, 0);
            claim.commit(number).unwrap();
            log.add(Step::Committed, number, 0);
        }
        wait.begin();
    }
}

/// Nothing that is wrong: others may be dead, and followed.
fn not_now(error: ClaimError) {
    let expected = [
        ClaimError::Full,
        ClaimError::Busy,
        ClaimError::TimedOut,
        ClaimError::Closed,
        ClaimError::PeerDied,
    ];
    assert!(expected.contains(&error), "{error}");
}

/// A consumer's process: reads messages until all producers have gone and nothing is
/// left.
pub(crate) fn consume() {
    let Orders { kind, lanes, ring, notes, mut log, spin, call, id } = orders();
    let mut consumer = Consumer::attach(kind, &ring).unwrap();
    consumer.set_spin(spin);
    let mut random = Random::new(id);
    let mut wait = Wait::new(&notes, &ring);
    loop {
        let over = notes.get(Note::Drain) != 0;
        let mut found = consumer.read(call);
        let mut held: Vec<(u64, View)> = Vec::new();
        match &found {
            Ok(_) => wait.succeeded(),
            Err(ReadError::TimedOut) => {}
            Err(ReadError::Closed | ReadError::PeerDied) if over => return,
            // All who had come so far are gone.
            Err(ReadError::Closed | ReadError::PeerDied) => {}
            Err(error) => panic!("{error}"),
        }
        let most = 1 + random.below(HELD_MAX);
        while let Ok(view) = found {
            let number = view.number();
            log.add(Step::Taken, number, view.redelivered());
            assert_eq!(view.lane(), lane_of(number, lanes), "in another lane");
            held.push((number, view));
            // Without waiting: producers may wait for what is held.
            found =
                if held.len() as u64 == most { Err(ReadError::Empty) } else { consumer.try_read() };
        }
        assert_ne!(found.err(), Some(ReadError::Corrupt));
        if held.is_empty() {
            continue;
        }
        while let Some((number, view)) = pick(&mut held, &mut random) {
            hold(&mut random);
            log.add(Step::Releasing, number, 0);
            drop(view);
            log.add(Step::Released, number, 0);
        }
        wait.begin();
    }
}

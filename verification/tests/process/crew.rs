//! A ring of many with four producers and four consumers in processes of their own,
//! any of which can be killed and followed, and in a Strict ring be stopped meanwhile.
//!
//! What they do is in [`member`](super::member). When all have ended, the
//! [books](super::books) are made of their logs.

use super::books::{Books, Summary};
use super::corpse::{Corpse, HeldUp};
use super::ends::Kind;
use super::log::Log;
use super::member::{LONG_WAITS, RELEASES, lane_of, pick};
use super::notes::{Note, Notes};
use super::places::Places;
use super::random::Random;
use super::{Child, many, until};
use ringbuf_shm::{Options, Presence, Progress, Redelivery, Ring, Sleeper};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Processes on each side, and seats.
const SIDE: usize = 4;
/// How often it is looked whether the dead still hold something.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// Messages that are released while some of the processes stand: more than most rings hold.
const GO_ON: u64 = 250;

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
    pub(crate) progress: Progress,
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
    stops: u64,
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
            .progress(plan.progress)
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
            stops: 0,
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
        self.wait_until_given_up();
        self.follow(side);
    }

    /// The same while one of the processes stands, or one of each side. The others release
    /// messages before that death and after it. Who is killed is one of those who stand, or
    /// any process; those who stood and live go on in the end.
    pub(crate) fn replace_one_while_some_stand(&mut self, random: &mut Random, most: Duration) {
        self.watch(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let standing = self.stop_some(random);
        self.go_on();
        let side = match random.below(2) {
            0 => self.kill_one(random),
            _ => {
                let is_victim = |member: &Member| member.id == standing[0];
                self.kill(self.alive.iter().position(is_victim).unwrap())
            }
        };
        self.wait_until_given_up();
        self.go_on();
        self.follow(side);
        let stands = |member: &&mut Member| standing.contains(&member.id);
        self.alive.iter_mut().filter(stands).for_each(|member| member.child.resume());
    }

    /// Stops one, or one of each side, and says who they are.
    fn stop_some(&mut self, random: &mut Random) -> Vec<u64> {
        let mut sides = vec![Side::Producer, Side::Consumer];
        if random.below(3) > 0 {
            _ = pick(&mut sides, random);
        }
        let ids = sides.into_iter().map(|side| {
            let of_side = |member: &&mut Member| member.side == side;
            let mut members: Vec<_> = self.alive.iter_mut().filter(of_side).collect();
            let member = pick(&mut members, random).unwrap();
            member.child.stop();
            self.stops += 1;
            member.id
        });
        ids.collect()
    }

    /// Waits until so many more messages were released.
    fn go_on(&mut self) {
        let before = self.notes.calls(RELEASES);
        until("the others to go on", || {
            self.look_at_corpses();
            assert_eq!(self.notes.get(Note::Failed), 0, "a process found something wrong");
            self.notes.calls(RELEASES) >= before + GO_ON
        });
    }

    fn wait_until_given_up(&mut self) {
        until("the others to give up what the dead held", || {
            self.look_at_corpses();
            self.corpses.is_empty()
        });
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
        self.kill(usize::try_from(random.below(self.alive.len() as u64)).unwrap())
    }

    fn kill(&mut self, victim: usize) -> Side {
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
        let mut books = Books::new(self.plan.progress, u8::try_from(redeliveries_max).unwrap());
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
        summary.long_waits = self.notes.calls(LONG_WAITS);
        summary.stops = self.stops;
        summary.held_up = self.held_up;
        summary
    }
}

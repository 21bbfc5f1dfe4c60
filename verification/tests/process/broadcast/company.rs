//! A broadcast ring with a publisher and several subscribers in processes of their own,
//! any of which can be killed and followed.
//!
//! What they do is in [`member`](super::member). When all have ended, the
//! [books](super::books) are made of their logs.

use super::books::{Books, Summary};
use super::frame::{self, LEN_MAX};
use super::member::{JOINS, LOST, VIEWS_MAX};
use super::places::Places;
use super::waited_for::WaitedFor;
use crate::process::log::Log;
use crate::process::notes::{Note, Notes};
use crate::process::random::Random;
use crate::process::{Child, HANG, until};
use ringbuf_shm::broadcast::bytes::{Publisher, Subscriber, View};
use ringbuf_shm::broadcast::{Delivery, Join};
use ringbuf_shm::{Options, ReadError, Ring, Sleeper};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Processes that subscribe, and rows for them.
pub(crate) const SUBSCRIBERS: u64 = 5;
const VIEWS: u64 = SUBSCRIBERS * VIEWS_MAX;
/// How often it is looked whether the dead are still waited for.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// What the ring is like, and how its peers use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) capacity: u64,
    pub(crate) first_position: u64,
    pub(crate) patience: Option<Duration>,
    pub(crate) sleeper: Sleeper,
    pub(crate) spin: Duration,
    /// How long one call of a process waits before it looks for the wish to finish.
    pub(crate) call: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Publisher,
    Subscriber,
}

/// One life: a process that runs, or one that was killed.
#[derive(Debug)]
struct Member {
    side: Side,
    id: u64,
    child: Child,
}

#[derive(Debug)]
pub(crate) struct Company {
    plan: Plan,
    ring: Ring,
    places: Places,
    notes: Notes,
    alive: Vec<Member>,
    dead: Vec<(Side, u64)>,
    /// Of whom it is watched whether they are waited for.
    waited_for: Vec<WaitedFor>,
    summary: Summary,
    next_id: u64,
    directory: TempDir,
}

impl Company {
    /// Makes the ring, and runs the ignored tests `publisher` and `subscriber`, which call
    /// [`publish`](super::member::publish) and [`subscribe`](super::member::subscribe).
    pub(crate) fn start(plan: Plan) -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let options = Options::new()
            .capacity(plan.capacity)
            .slot_size(LEN_MAX as u64)
            .subscribers_max(u32::try_from(SUBSCRIBERS).unwrap())
            .views_max(u32::try_from(VIEWS).unwrap())
            .reader_patience(plan.patience)
            .first_position(plan.first_position)
            .sleeper(plan.sleeper)
            .reopen(true);
        let ring = Ring::create_broadcast_bytes(directory.path().join("ring"), &options).unwrap();
        let mut company = Self {
            plan,
            places: Places::of(&ring),
            ring,
            notes: Notes::create(&directory.path().join("notes")),
            alive: vec![],
            dead: vec![],
            waited_for: vec![],
            summary: Summary::default(),
            next_id: 1,
            directory,
        };
        company.follow(Side::Publisher);
        (0..SUBSCRIBERS).for_each(|_| company.follow(Side::Subscriber));
        company
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
            ("RINGBUF_TEST_FIRST", self.plan.first_position.to_string()),
            ("RINGBUF_TEST_PATIENT", u64::from(self.plan.patience.is_none()).to_string()),
            ("RINGBUF_TEST_SPIN", self.plan.spin.as_nanos().to_string()),
            ("RINGBUF_TEST_CALL", self.plan.call.as_nanos().to_string()),
        ];
        let entry = if side == Side::Publisher { "publisher" } else { "subscriber" };
        let child = Child::spawn(entry, &variables);
        self.alive.push(Member { side, id, child });
    }

    /// Kills one of the processes after a random moment, and lets another follow at once.
    pub(crate) fn replace_one(&mut self, random: &mut Random, most: Duration) {
        self.watch(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let side = self.kill_one(random);
        self.follow(side);
    }

    /// The same, but a publisher that waits for a dead subscriber has to find that out by
    /// itself before another follows: whoever joins would do it for it.
    pub(crate) fn replace_one_late(&mut self, random: &mut Random, most: Duration) {
        self.watch(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let side = self.kill_one(random);
        if side == Side::Subscriber {
            until("the publisher to wait for the dead no longer", || {
                self.look_at_the_dead();
                self.assert_well();
                self.waited_for.is_empty()
            });
        }
        self.follow(side);
    }

    /// Kills everybody after a random moment, and lets as many others follow.
    pub(crate) fn replace_all(&mut self, random: &mut Random, most: Duration) {
        std::thread::sleep(most.mul_f64(random.below(1000) as f64 / 1000.0));
        let sides: Vec<_> = (0..=SUBSCRIBERS).map(|_| self.kill_one(random)).collect();
        // Nobody is left to wait for them.
        self.waited_for.clear();
        sides.into_iter().for_each(|side| self.follow(side));
    }

    fn kill_one(&mut self, random: &mut Random) -> Side {
        let victim = usize::try_from(random.below(self.alive.len() as u64)).unwrap();
        let Member { side, id, mut child } = self.alive.swap_remove(victim);
        let pid = child.id();
        child.kill();
        self.assert_well();
        if side == Side::Subscriber {
            let waited_for = WaitedFor::of(&self.places, pid);
            self.summary.waited_for += u64::from(waited_for.is_some());
            self.waited_for.extend(waited_for);
        }
        self.dead.push((side, id));
        side
    }

    fn assert_well(&self) {
        assert_eq!(self.notes.get(Note::Failed), 0, "a process found something wrong");
    }

    /// Looks whether the dead are waited for, for so long.
    fn watch(&mut self, time: Duration) {
        let start = Instant::now();
        while let Some(left) = time.checked_sub(start.elapsed()) {
            self.look_at_the_dead();
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }

    fn look_at_the_dead(&mut self) {
        let (places, questions) = (&self.places, &mut self.summary.questions);
        self.waited_for.retain_mut(|dead| !dead.is_over(places, questions));
    }

    /// Lets all finish, and checks what became of every message.
    pub(crate) fn finish(mut self) -> Summary {
        for (side, note) in [(Side::Publisher, Note::Finish), (Side::Subscriber, Note::Drain)] {
            self.notes.set(note, 1);
            for member in self.alive.iter_mut().filter(|member| member.side == side) {
                let status = member.child.wait();
                assert!(status.success(), "{:?} {} failed: {status}", member.side, member.id);
            }
        }
        self.assert_well();
        let tail = self.places.words.load(self.places.tail());
        let log = |id: u64| Log::open(&self.directory.path().join(id.to_string()));
        let mut lives: Vec<_> = self.alive.iter().map(|member| (member.side, member.id)).collect();
        let died = self.dead.len();
        lives.splice(0..0, self.dead.iter().copied());
        let mut books = Books::new(tail.wrapping_sub(self.plan.first_position));
        // Publishers in the order in which they came.
        let publishers = lives.iter().filter(|(side, _)| *side == Side::Publisher);
        let mut publishers: Vec<_> = publishers.map(|&(_, id)| id).collect();
        publishers.sort_unstable();
        publishers.iter().for_each(|&id| books.add_publisher(log(id).entries()));
        books.close_publishers();
        for (number, &(side, id)) in lives.iter().enumerate() {
            if side == Side::Subscriber {
                books.add_subscriber(log(id).entries(), number < died);
            }
        }
        let mut summary = books.close();
        summary.joins = self.notes.calls(JOINS);
        summary.evicted = self.notes.calls(LOST);
        summary.waited_for = self.summary.waited_for;
        summary.questions = self.summary.questions;
        self.check_all_works();
        summary
    }

    /// Every seat, every cell and every slot serves again.
    fn check_all_works(&self) {
        let mut publisher = Publisher::attach(&self.ring).unwrap();
        let rest = VIEWS - (SUBSCRIBERS - 1);
        let mut subscribers: Vec<_> = (0..SUBSCRIBERS)
            .map(|number| {
                let views = if number == 0 { rest } else { 1 };
                let join = Join::new(Delivery::Lossy).views(u32::try_from(views).unwrap());
                (Subscriber::attach(&self.ring, join).unwrap(), views)
            })
            .collect();
        let mut held: Vec<View> = vec![];
        for count in 0..rest {
            let mut claim = publisher.claim_timeout(HANG).unwrap();
            let len = frame::write(claim.position(), &mut claim);
            claim.commit(len).unwrap();
            for (subscriber, views) in &mut subscribers {
                if count < *views {
                    held.push(subscriber.try_read().unwrap());
                } else {
                    assert!(matches!(subscriber.try_read(), Err(ReadError::AllHeld)));
                }
            }
        }
        assert_eq!(held.len() as u64, VIEWS);
        for _ in 0..2 * self.places.slots {
            let mut claim = publisher.claim_timeout(HANG).unwrap();
            let len = frame::write(claim.position(), &mut claim);
            claim.commit(len).unwrap();
        }
        held.iter().for_each(|view| frame::check(view.position(), view));
        drop((publisher, subscribers, held));
        assert!(self.places.is_left(), "somebody is still there");
    }
}

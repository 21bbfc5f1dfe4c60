//! Goal: any schedule of calls and deaths does to a broadcast ring what it does to a list of
//! all messages that anybody understands.
//!
//! Method: random schedules of one publisher and up to four subscribers, of the real code on
//! plain words and of the list, compared after every call; positions start where each width
//! wraps. Messages are whole, shown in parts, or broken off; views stay held while others go
//! on; anybody dies with all that it holds, and is swept later. One thing is not compared
//! but bounded: the floor, which is how much more than must be is lost at once.

mod list;

use list::{Reference, Row, SUBSCRIBERS, is_got};
use proptest::prelude::*;
use ringbuf_core::error::{ClaimError, ReceiveError};
use ringbuf_core::extent::Extent;
use ringbuf_core::life::Delivery;
use ringbuf_core::peer::{Locks, Who};
use ringbuf_core::position::Position;
use ringbuf_core::publisher::Reclaim;
use ringbuf_core::subscriber::{Start, Subscriber, Taken, Want};
use ringbuf_verification::broadcast_words::{BroadcastWords, PublisherOf, Size, SubscriberOf};
use ringbuf_verification::kernel::{self, Kernel as _, Process};
use ringbuf_verification::mortal::{Mortal, Plain};

const CELLS: usize = 6;
const PUBLISHER: Who = Who::new(0, 1);

/// The ring, and what stands in its slots.
struct Shared {
    words: BroadcastWords<Mortal>,
    kernel: kernel::Plain,
    start: u64,
    reclaim: Reclaim,
}

impl Shared {
    fn place(&self, position: Position) -> usize {
        usize::try_from(position.since(Position::new(self.start))).expect("few messages")
    }

    fn take_over(&self) -> PublisherOf<'_, Mortal> {
        self.words.take_over(self.reclaim).expect("true words")
    }
}

/// The publisher, and the bytes of the message that it is at.
struct Writer<'a> {
    shared: &'a Shared,
    core: PublisherOf<'a, Mortal>,
    /// The slot that it claimed and has not shown.
    hidden: Option<u32>,
    /// Which message stands in each slot.
    payload: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Write {
    Claim,
    Commit(u64),
    Advance(u64),
    Abort,
    Evict,
    Dies,
}

impl Writer<'_> {
    fn does(&mut self, write: Write, list: &mut Reference, held: &[u32]) {
        let is_shown = list.tail() < list.messages.len();
        match write {
            Write::Claim => self.claim(list, held),
            Write::Commit(bytes) => {
                self.core.commit(bytes);
                self.shows(list, Extent::Whole(bytes));
            }
            Write::Advance(bytes) => {
                self.core.advance(bytes);
                let before =
                    if is_shown { list.messages.last().map_or(0, |e| e.bytes()) } else { 0 };
                self.shows(list, Extent::Open(bytes.max(before)));
            }
            Write::Abort => {
                self.core.abort();
                self.hidden = None;
                list.break_off();
            }
            Write::Evict => {
                let rows = list.in_the_way();
                assert!(self.core.in_the_way().eq(rows.iter().copied()));
                assert_eq!(self.core.evict_those_in_the_way(), rows.len());
                rows.into_iter().for_each(|row| list.rows[row].waited_for = false);
            }
            Write::Dies => {
                self.core = self.shared.take_over();
                self.hidden = None;
                list.break_off();
            }
        }
        assert_eq!(self.shared.place(self.core.position()), list.tail());
        let tail = Position::new(self.shared.words.publisher.tail.get());
        assert_eq!(self.shared.place(tail), list.tail());
    }

    fn claim(&mut self, list: &mut Reference, held: &[u32]) {
        list.break_off();
        let full = !list.in_the_way().is_empty();
        match self.core.claim() {
            Ok(slot) => {
                assert!(!full || self.hidden == Some(slot), "{:?} are in the way", list.rows);
                assert!(self.hidden.is_none_or(|hidden| hidden == slot), "the same again");
                assert!(!held.contains(&slot), "it is looked at");
                assert!((slot as usize) < self.payload.len());
                self.hidden = Some(slot);
                self.payload[slot as usize] = list.messages.len();
            }
            Err(error) => assert_eq!((error, full), (ClaimError::Full, true)),
        }
        // A quarter of a lap more than must be is given up at once, and nothing comes back.
        let floor = self.shared.place(Position::new(self.shared.words.publisher.floor.get()));
        let more = (list.tail() + 1 + list.capacity / 4).saturating_sub(list.capacity);
        assert!((list.floor.max(list.needed())..=list.floor.max(more)).contains(&floor));
        list.floor = floor;
    }

    fn shows(&mut self, list: &mut Reference, extent: Extent) {
        if self.hidden.take().is_some() {
            list.messages.push(extent);
        } else if let Some(last) = list.messages.last_mut().filter(|last| last.is_open()) {
            *last = extent;
        }
    }
}

/// A subscriber, and what the list says of it.
struct Reader<'a> {
    shared: &'a Shared,
    number: usize,
    who: Who,
    process: Process<'a, kernel::Plain>,
    joined: Option<Joined<'a>>,
}

struct Joined<'a> {
    core: SubscriberOf<'a, Mortal>,
    cells: Vec<u32>,
    held: Vec<(Taken, usize)>,
    lost: usize,
    broken: usize,
}

#[derive(Clone, Copy, Debug)]
enum Read {
    Join(Delivery, StartAt, usize),
    Next(Want),
    Latest(Want),
    Release(usize),
    Leave,
    Dies,
    Sweep,
}

#[derive(Clone, Copy, Debug)]
enum StartAt {
    Newest,
    Oldest,
    /// So many before the newest, or after it.
    Back(i64),
}

impl<'a> Reader<'a> {
    fn new(shared: &'a Shared, number: usize) -> Self {
        let row = u32::try_from(number + 1).expect("few rows");
        Self::alive(shared, number, Who::new(row, 1))
    }

    fn alive(shared: &'a Shared, number: usize, who: Who) -> Self {
        let process = Process::new(&shared.kernel, who.bits());
        assert_eq!(process.take(who), Ok(true), "a new identity is free");
        Self { shared, number, who, process, joined: None }
    }

    fn does(&mut self, read: Read, list: &mut Reference, payload: &[usize]) {
        match (read, self.joined.as_mut()) {
            (Read::Join(delivery, start, views), None) => self.join(delivery, start, views, list),
            (Read::Next(want), Some(joined)) => {
                let found = joined.core.read(want);
                let known = joined.expects(want, list, self.number);
                let seen = found.as_ref().map(|taken| (taken.position, taken.extent));
                let known = known.map(|(place, extent)| (self.position(place), extent));
                assert_eq!(seen.map_err(|error| *error), known);
                self.hold(found, payload);
            }
            (Read::Latest(want), Some(joined)) => {
                let found = joined.core.latest(want);
                let known = joined.newest(want, list.floor, list);
                let seen = found.as_ref().map(|taken| (taken.position, taken.extent));
                let known = known.and_then(|newest| newest.ok_or(ReceiveError::Empty));
                let known = known.map(|(place, extent)| (self.position(place), extent));
                assert_eq!(seen.map_err(|error| *error), known);
                self.hold(found, payload);
            }
            (Read::Release(which), Some(joined)) if !joined.held.is_empty() => {
                let (taken, message) = joined.held.swap_remove(which % joined.held.len());
                assert_eq!(payload[taken.slot as usize], message, "overwritten");
                let now = self.shared.words.ring().extent(taken.slot);
                assert_eq!(now, Some(list.messages[message]), "it may have grown");
                joined.core.release(taken);
            }
            (Read::Leave, Some(joined)) if joined.held.is_empty() => {
                joined.core.leave();
                self.shared.words.free_cells(&joined.cells);
                list.cells_free += joined.cells.len();
                list.rows[self.number] = Row::default();
                self.joined = None;
            }
            (Read::Dies, _) => {
                self.process.end();
                let next = Who::new(self.who.row(), self.who.incarnation() + 1);
                *self = Self::alive(self.shared, self.number, next);
            }
            (Read::Sweep, _) => {
                let swept = self.shared.words.ring().sweep(self.who, &self.process);
                assert!(!swept, "a sweep finds all that there is");
            }
            _ => {}
        }
        if let Some(joined) = &self.joined {
            let place = self.shared.place(joined.core.position());
            assert_eq!(place, list.rows[self.number].next);
            let counted = [joined.core.lost(), joined.core.broken()];
            assert_eq!(counted, [joined.lost as u64, joined.broken as u64]);
        }
    }

    fn position(&self, place: usize) -> Position {
        Position::new(self.shared.start).plus(place as u64)
    }

    fn join(&mut self, delivery: Delivery, start: StartAt, views: usize, list: &mut Reference) {
        // Its seat is one that a dead one may have had; the cells of that one are swept.
        let cells = self.shared.words.take_cells(self.who, views);
        assert_eq!(cells.is_some(), views <= list.cells_free, "as many as are free");
        let Some(cells) = cells else { return };
        let tail = list.tail();
        let (core, wanted) = match start {
            StartAt::Newest if delivery == Delivery::Latest => {
                (Start::Newest, tail.saturating_sub(1))
            }
            StartAt::Newest => (Start::Newest, tail),
            StartAt::Oldest => (Start::Oldest, list.floor),
            StartAt::Back(by) => {
                let tail = Position::new(self.shared.words.publisher.tail.get());
                let position = Position::new(tail.count().wrapping_sub(by.cast_unsigned()));
                let back = usize::try_from(by).unwrap_or(0);
                (Start::Position(position), list.tail().saturating_sub(back))
            }
        };
        let ring = self.shared.words.ring();
        let core = Subscriber::join(ring, self.number, self.who, cells.clone(), delivery, core);
        let waited_for = delivery == Delivery::Lossless;
        let next = wanted.max(list.floor);
        list.rows[self.number] = Row { waited_for, next, cells: views };
        list.cells_free -= views;
        self.joined = Some(Joined { core, cells, held: Vec::new(), lost: 0, broken: 0 });
    }

    fn hold(&mut self, found: Result<Taken, ReceiveError>, payload: &[usize]) {
        if let Ok(taken) = found {
            let message = payload[taken.slot as usize];
            assert_eq!(message, self.shared.place(taken.position), "what stands there");
            self.joined.as_mut().expect("it reads").held.push((taken, message));
        }
    }
}

type Expected = Result<(usize, Extent), ReceiveError>;

impl Joined<'_> {
    fn has_cell(&self) -> Result<(), ReceiveError> {
        if self.held.len() < self.cells.len() { Ok(()) } else { Err(ReceiveError::AllHeld) }
    }

    /// What the next read answers; does to the list what it does.
    fn expects(&mut self, want: Want, list: &mut Reference, number: usize) -> Expected {
        if self.core.delivery() == Delivery::Latest {
            return self.expects_latest(want, list, number);
        }
        loop {
            let next = list.rows[number].next;
            let is_lossless = self.core.delivery() == Delivery::Lossless;
            if next < list.oldest() {
                assert!(!is_lossless || !list.rows[number].waited_for, "it was waited for");
                self.lose(list, number);
                if is_lossless {
                    return Err(ReceiveError::Evicted);
                }
                continue;
            }
            let extent = list.part(next, want).ok_or(ReceiveError::Empty)?;
            self.has_cell()?;
            if is_lossless && !list.rows[number].waited_for {
                self.lose(list, number);
                return Err(ReceiveError::Evicted);
            }
            list.rows[number].next += 1;
            if is_got(extent, want) {
                return Ok((next, extent));
            }
            self.broken += 1;
        }
    }

    /// Goes on with the oldest that is promised, and is waited for from there if it wants.
    fn lose(&mut self, list: &mut Reference, number: usize) {
        let row = &mut list.rows[number];
        row.waited_for = self.core.delivery() == Delivery::Lossless;
        self.lost += list.floor.saturating_sub(row.next);
        row.next = row.next.max(list.floor);
    }

    fn expects_latest(&mut self, want: Want, list: &mut Reference, number: usize) -> Expected {
        let next = list.rows[number].next;
        let newest = self.newest(want, next, list)?;
        // Whatever comes before it is lost; what comes after it was broken off.
        let end = newest.map_or(0, |(place, _)| place + 1).max(list.tail());
        let from = newest.map_or(list.oldest().max(next), |(place, _)| place);
        self.lost += from - next;
        self.broken += end - from - usize::from(newest.is_some());
        list.rows[number].next = end;
        newest.ok_or(ReceiveError::Empty)
    }

    /// The newest message from `first` on. Empty if there is none at all, `None` if all that
    /// there are were broken off.
    fn newest(
        &self,
        want: Want,
        first: usize,
        list: &Reference,
    ) -> Result<Option<(usize, Extent)>, ReceiveError> {
        let end = if want == Want::Parts { list.messages.len() } else { list.tail() };
        if first >= end {
            return Err(ReceiveError::Empty);
        }
        self.has_cell()?;
        let standing = (first.max(list.oldest())..end).rev();
        let mut newest = standing.map(|place| (place, list.messages[place]));
        Ok(newest.find(|(_, extent)| is_got(*extent, want)))
    }
}

fn sweep(shared: &Shared, list: &mut Reference, readers: &[Reader<'_>]) {
    // The publisher's own process asks.
    let process = Process::new(&shared.kernel, PUBLISHER.bits());
    let mut any = false;
    for (row, reader) in list.rows.iter_mut().zip(readers) {
        if reader.joined.is_none() && row.cells > 0 {
            any = true;
            list.cells_free += row.cells;
            *row = Row::default();
        }
    }
    assert_eq!(shared.words.ring().sweep(PUBLISHER, &process), any, "what the dead have left");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Write(Write),
    Read(usize, Read),
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        12 => Just(Write::Claim),
        10 => (0..9_u64).prop_map(Write::Commit),
        3 => (0..9_u64).prop_map(Write::Advance),
        2 => Just(Write::Abort),
        1 => Just(Write::Evict),
        1 => Just(Write::Dies),
    ]
}

fn want() -> impl Strategy<Value = Want> {
    prop_oneof![Just(Want::Whole), Just(Want::Parts)]
}

fn read() -> impl Strategy<Value = Read> {
    use Delivery::{Latest, Lossless, Lossy};
    let delivery = prop_oneof![Just(Lossless), Just(Lossy), Just(Latest)];
    let start = prop_oneof![
        Just(StartAt::Newest),
        Just(StartAt::Oldest),
        (-3..20_i64).prop_map(StartAt::Back)
    ];
    let join = (delivery, start, 1..=3_usize);
    prop_oneof![
        4 => join.prop_map(|(delivery, start, views)| Read::Join(delivery, start, views)),
        16 => want().prop_map(Read::Next),
        2 => want().prop_map(Read::Latest),
        8 => any::<usize>().prop_map(Read::Release),
        1 => Just(Read::Leave),
        1 => Just(Read::Dies),
        2 => Just(Read::Sweep),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => write().prop_map(Step::Write),
        4 => (0..SUBSCRIBERS, read()).prop_map(|(reader, read)| Step::Read(reader, read)),
    ]
}

/// Positions around which some width wraps, that of a lap among them.
fn start() -> impl Strategy<Value = u64> {
    let laps = (1..=4_u32).prop_map(|log| 1 << (40 + log));
    let wraps = prop_oneof![1 => Just(0_u64), 2 => laps, 1 => Just(1 << 63)];
    (wraps, 0..60_u64).prop_map(|(wrap, before)| wrap.wrapping_sub(before))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2048)
    })]

    #[test]
    fn a_broadcast_is_a_list_of_messages(
        start in start(),
        log in 1_u32..=4,
        early in any::<bool>(),
        steps in prop::collection::vec(step(), 1..300),
    ) {
        let size = Size { capacity: 1 << log, readers: SUBSCRIBERS, cells: CELLS };
        let shared = Shared {
            words: BroadcastWords::new(Mortal::default(), size, start, Plain::new),
            kernel: kernel::Plain::unlocked(),
            start,
            reclaim: if early { Reclaim::Early } else { Reclaim::Late },
        };
        let mut list = Reference {
            capacity: size.capacity,
            messages: Vec::new(),
            floor: 0,
            rows: Default::default(),
            cells_free: CELLS,
        };
        let payload = vec![0; shared.words.slots.0.len()];
        let mut writer = Writer { shared: &shared, core: shared.take_over(), hidden: None, payload };
        let mut readers: Vec<_> = (0..SUBSCRIBERS).map(|row| Reader::new(&shared, row)).collect();
        for step in steps {
            match step {
                Step::Write(write) => {
                    let joined = readers.iter().filter_map(|reader| reader.joined.as_ref());
                    let held: Vec<_> = joined.flat_map(|joined| &joined.held).collect();
                    let held: Vec<_> = held.into_iter().map(|(taken, _)| taken.slot).collect();
                    writer.does(write, &mut list, &held);
                }
                Step::Read(reader, read) => {
                    if matches!(read, Read::Sweep | Read::Join(..)) {
                        sweep(&shared, &mut list, &readers);
                    }
                    readers[reader].does(read, &mut list, &writer.payload);
                }
            }
        }
    }
}

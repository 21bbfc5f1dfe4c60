//! A feed, a strategy and a gateway: how long a price takes to become an order.
//!
//! Three processes. The feed publishes prices in a `broadcast` ring, at a steady rate; the
//! strategy answers each of them with an order, in an `spsc` ring; the gateway takes the
//! orders and looks at the clock. Each is pinned to a processor, its memory is locked and
//! was touched beforehand, and nobody sleeps. What that costs, and what it gains, is in
//! LATENCY.md.
//!
//! ```sh
//! cargo run --release -p ringbuf-shm --example ticks                   # 100,000 prices a second
//! cargo run --release -p ringbuf-shm --example ticks -- 1000000 5000000   # a second, in all
//! ```
//!
//! The whole way counts from when a price was *due*, so that a feed that comes late does
//! not hide what it is late for.

use hdrhistogram::Histogram;
use ringbuf_shm::zerocopy::{FromBytes, Immutable, IntoBytes};
use ringbuf_shm::{Options, ReadError, Ring, Sleeper, broadcast, spsc};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use std::env;
use std::error::Error;
use std::hint;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

/// How long to wait for a process that was just started.
const PATIENCE: Duration = Duration::from_secs(10);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A price, when it was due, and when it was published.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Tick {
    due_ns: u64,
    sent_ns: u64,
    price: i64,
}

/// An order, and the way it came.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Order {
    tick: Tick,
    seen_ns: u64,
    price: i64,
}

fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    match arguments.next().as_deref() {
        Some("strategy") => strategy(&arguments.next().ok_or("whose prices?")?),
        Some("gateway") => gateway(&arguments.next().ok_or("whose orders?")?),
        rate => {
            let rate = rate.map_or(Ok(100_000), str::parse)?;
            let count = arguments.next().map_or(Ok(300_000), |text| text.parse())?;
            feed(rate, count)
        }
    }
}

/// The first process: starts the others, publishes, and waits for them.
fn feed(rate: u64, count: u64) -> Outcome<()> {
    let name = format!("ticks-{}", std::process::id());
    let mut prices = broadcast::Publisher::<Tick>::create(format!("{name}-prices"), &options())?;
    let mut peers = [start("gateway", &name)?, start("strategy", &name)?];
    if !prices.wait_for_peer(Some(PATIENCE))? {
        return Err("the strategy does not come".into());
    }
    let seat = Seat::take(0)?; // now: who is started inherits it, and who waits spins

    let period = 1_000_000_000 / rate.max(1);
    let first = now() + 1_000_000;
    for number in 0..count {
        let due_ns = first + number * period;
        while now() < due_ns {
            seat.pause();
        }
        prices.push(Tick { due_ns, sent_ns: now(), price: number.cast_signed() })?;
    }
    drop(prices); // so that the others end, one after the other
    for peer in &mut peers {
        let status = peer.wait()?;
        if !status.success() {
            return Err(format!("a peer failed: {status}").into());
        }
    }
    Ring::unlink(format!("{name}-prices"))?;
    Ring::unlink(format!("{name}-orders"))?;
    Ok(())
}

/// The second process: turns every price into an order.
fn strategy(name: &str) -> Outcome<()> {
    let orders = format!("{name}-orders");
    let mut orders = spsc::Producer::<Order>::create_or_open(orders, &options())?;
    if !orders.wait_for_peer(Some(PATIENCE))? {
        return Err("the gateway does not come".into());
    }
    let seat = Seat::take(1)?;
    let join = broadcast::Delivery::Lossless;
    let prices = format!("{name}-prices");
    let mut prices = broadcast::Subscriber::<Tick>::open_with(prices, &options(), join)?;
    loop {
        match prices.try_pop() {
            Ok(tick) => {
                orders.push(Order { tick, seen_ns: now(), price: tick.price + 1 })?;
            }
            Err(ReadError::Empty) => seat.pause(),
            Err(ReadError::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The third process: takes the orders, and says how long each part of the way took.
fn gateway(name: &str) -> Outcome<()> {
    let seat = Seat::take(2)?;
    let orders = format!("{name}-orders");
    let mut orders = spsc::Consumer::<Order>::create_or_open(orders, &options())?;
    let mut ways = [
        ("the feed is late", Histogram::<u64>::new(3)?),
        ("feed to strategy", Histogram::new(3)?),
        ("strategy to gateway", Histogram::new(3)?),
        ("the whole way", Histogram::new(3)?),
    ];
    let mut next = 1;
    loop {
        match orders.try_pop() {
            Ok(order) => {
                let at = now();
                assert_eq!(order.price, next, "an order is missing");
                next += 1;
                let Order { tick: Tick { due_ns, sent_ns, .. }, seen_ns, .. } = order;
                let times = [sent_ns - due_ns, seen_ns - sent_ns, at - seen_ns, at - due_ns];
                for ((_, way), time) in ways.iter_mut().zip(times) {
                    way.record(time)?;
                }
            }
            Err(ReadError::Empty) => seat.pause(),
            Err(ReadError::Closed) => break,
            Err(error) => return Err(error.into()),
        }
    }
    println!("{}", seat.describe());
    println!("{} orders; nanoseconds, reading the clock included:", next - 1);
    println!("{:<20} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "p50", "p90", "p99", "p99.9", "max");
    for (name, way) in ways {
        let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|q| way.value_at_quantile(q));
        println!("{name:<20} {p50:>9} {p90:>9} {p99:>9} {p999:>9} {:>9}", way.max());
    }
    Ok(())
}

/// What every handle asks for: nobody sleeps, no page is missing, none is taken away.
fn options() -> Options {
    Options::new().capacity(1024).sleeper(Sleeper::Spin).prefault(true).lock_memory(true)
}

fn start(role: &str, name: &str) -> Outcome<Child> {
    Ok(Command::new(env::current_exe()?).args([role, name]).spawn()?)
}

/// Nanoseconds of a clock that all processes share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// A processor, of one's own if there are enough.
struct Seat {
    number: usize,
    processors: usize,
}

impl Seat {
    /// Stays on the processor of this number from now on, going round if there are fewer.
    fn take(number: usize) -> Outcome<Self> {
        let allowed = sched_getaffinity(None)?;
        let usable: Vec<_> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
        let mut own = CpuSet::new();
        own.set(usable[number % usable.len()]);
        sched_setaffinity(None, &own)?;
        Ok(Self { number, processors: usable.len() })
    }

    /// Nothing to do right now: spins, or lets another one on the same processor go first.
    fn pause(&self) {
        if self.is_shared() { thread::yield_now() } else { hint::spin_loop() }
    }

    fn is_shared(&self) -> bool {
        (0..3).any(|other| {
            other != self.number && other % self.processors == self.number % self.processors
        })
    }

    fn describe(&self) -> String {
        match self.processors {
            1 => "one processor for three: they take turns".into(),
            2 => "two processors for three: feed and gateway take turns on one".into(),
            _ => "each on a processor of its own".into(),
        }
    }
}

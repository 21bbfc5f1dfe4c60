//! Goal: the header and the library are one: the same sizes, places and numbers, and
//! no function in the one that is not in the other.
//! Method: a program prints what a C and a C++ compiler make of the header, and the
//! table below holds what Rust made; names are read from the header's text and from
//! the symbols of the shared library.

mod child;
mod compiler;

use child::Running;
use compiler::{Language, Linkage, WAYS, Workshop, library};
use ringbuf::broadcast::{self, join, part};
use ringbuf::message::{self, Message};
use ringbuf::mpmc::{self, consumer, lent, watch};
use ringbuf::options::{self, Options};
use ringbuf::stat::{self, PeerStat, Stat};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::mem::{offset_of, size_of};
use std::process::Command;

macro_rules! structure {
    ($text:ident, $name:literal, $type:ty: $($member:ident)*) => {
        writeln!($text, "sizeof {} {}", $name, size_of::<$type>()).unwrap();
        $(
            let (member, offset) = (stringify!($member), offset_of!($type, $member));
            writeln!($text, "{}.{member} {offset}", $name).unwrap();
        )*
    };
}

/// What `tests/c/layout.c` is to print.
fn layout() -> String {
    let mut text = String::new();
    structure!(text, "ringbuf_options", Options: size shape capacity slot_size record_alignment
        sleeper redelivery other_boot flags mode group owner metadata metadata_length type_name
        lanes producers_max consumers_max redeliveries_max subscribers_max views_max reader_patience_ns);
    structure!(text, "ringbuf_message", Message: data length tag time_ns flags reserved);
    structure!(text, "ringbuf_peer_stat", PeerStat: presence incarnation pid unfenced since_ns
        sleeps wakes probes);
    structure!(text, "ringbuf_stat", Stat: size shape capacity used taken committed released
        dropped redelivered length_max memory created_ns granted reserved producer consumer id);
    structure!(text, "ringbuf_mpmc_claim", lent::Claim: data length token);
    structure!(text, "ringbuf_mpmc_message", lent::Message: data length tag time_ns flags
        redelivered lane reserved token);
    structure!(text, "ringbuf_mpmc_stat", mpmc::stat::Stat: size lanes capacity writing ready
        reading orphans dropped redelivered length_max memory created_ns producers consumers
        granted reserved id);
    structure!(text, "ringbuf_mpmc_lane_stat", watch::LaneStat: size lane claimed read used high_water free writing ready reading orphans);
    structure!(text, "ringbuf_mpmc_peer_stat", watch::PeerStat: size side row presence incarnation pid since_ns sleeps wakes probes holds lanes held_ns left unfenced reserved);
    structure!(text, "ringbuf_broadcast_join", join::Join: size delivery start views position);
    structure!(text, "ringbuf_broadcast_message", broadcast::message::Message: data length position tag time_ns flags reserved token);
    structure!(text, "ringbuf_broadcast_part", part::Part: data available position tag time_ns state reserved token);
    structure!(text, "ringbuf_broadcast_pool", broadcast::pool::Pool: size reserved ring claims views slots bytes);
    structure!(text, "ringbuf_broadcast_stat", broadcast::stat::Stat: size subscribers capacity
        position floor published readable views held length_max memory created_ns granted
        reserved publisher id);
    structure!(text, "ringbuf_broadcast_peer_stat", broadcast::watch::PeerStat: size row presence
        incarnation pid delivery evicted unfenced since_ns sleeps wakes probes position lag lost
        broken views held);
    let numbers = [
        ("RINGBUF_VERSION", ringbuf::version::NUMBER),
        ("RINGBUF_BYTES", options::BYTES),
        ("RINGBUF_RECORDS", options::RECORDS),
        ("RINGBUF_TYPED", options::TYPED),
        ("RINGBUF_SLEEPER_FUTEX", options::SLEEPER_FUTEX),
        ("RINGBUF_SLEEPER_SPIN", options::SLEEPER_SPIN),
        ("RINGBUF_REDELIVERY_REDELIVER", options::REDELIVERY_REDELIVER),
        ("RINGBUF_REDELIVERY_DROP", options::REDELIVERY_DROP),
        ("RINGBUF_SLIP_NONE", ringbuf::consumer::SLIP_NONE),
        ("RINGBUF_SLIP_SHORT", ringbuf::consumer::SLIP_SHORT),
        ("RINGBUF_SLIP_LONG", ringbuf::consumer::SLIP_LONG),
        ("RINGBUF_OTHER_BOOT_REFUSE", options::OTHER_BOOT_REFUSE),
        ("RINGBUF_OTHER_BOOT_RESET", options::OTHER_BOOT_RESET),
        ("RINGBUF_REOPEN", options::REOPEN),
        ("RINGBUF_PREFAULT", options::PREFAULT),
        ("RINGBUF_LOCK_MEMORY", options::LOCK_MEMORY),
        ("RINGBUF_HUGE_PAGES", options::HUGE_PAGES),
        ("RINGBUF_GROUP", options::GROUP),
        ("RINGBUF_TRUST_OWNER", options::TRUST_OWNER),
        ("RINGBUF_FAST", options::FAST),
        ("RINGBUF_FULL_FENCE", options::FULL_FENCE),
        ("RINGBUF_METADATA_MAX", u32::try_from(ringbuf_shm::METADATA_LEN_MAX).unwrap()),
        ("RINGBUF_TYPE_NAME_MAX", u32::try_from(ringbuf_shm::TYPE_NAME_LEN_MAX).unwrap()),
        ("RINGBUF_REDELIVERED", message::REDELIVERED),
        ("RINGBUF_LANES_HIGHEST", consumer::LANES_HIGHEST),
        ("RINGBUF_LANES_ONLY", consumer::LANES_ONLY),
        ("RINGBUF_LANES_LOWEST_UP_TO", consumer::LANES_LOWEST_UP_TO),
        ("RINGBUF_SIDE_PRODUCER", watch::SIDE_PRODUCER),
        ("RINGBUF_SIDE_CONSUMER", watch::SIDE_CONSUMER),
        ("RINGBUF_PEER_ABSENT", stat::PEER_ABSENT),
        ("RINGBUF_PEER_ALIVE", stat::PEER_ALIVE),
        ("RINGBUF_PEER_CLOSED", stat::PEER_CLOSED),
        ("RINGBUF_PEER_DEAD", stat::PEER_DEAD),
        ("RINGBUF_DELIVERY_NONE", broadcast::watch::DELIVERY_NONE),
        ("RINGBUF_DELIVERY_LOSSLESS", join::DELIVERY_LOSSLESS),
        ("RINGBUF_DELIVERY_LOSSY", join::DELIVERY_LOSSY),
        ("RINGBUF_DELIVERY_LATEST", join::DELIVERY_LATEST),
        ("RINGBUF_START_DEFAULT", join::START_DEFAULT),
        ("RINGBUF_START_NEWEST", join::START_NEWEST),
        ("RINGBUF_START_OLDEST", join::START_OLDEST),
        ("RINGBUF_START_POSITION", join::START_POSITION),
        ("RINGBUF_PART_OPEN", part::PART_OPEN),
        ("RINGBUF_PART_WHOLE", part::PART_WHOLE),
        ("RINGBUF_PART_BROKEN", part::PART_BROKEN),
    ];
    for (name, number) in numbers {
        writeln!(text, "{name} {number}").unwrap();
    }
    text
}

#[test]
fn sizes_places_and_numbers_are_those_of_the_library() {
    let workshop = Workshop::new();
    for way in WAYS {
        let Some(program) = workshop.compile("layout", way) else { continue };
        assert_eq!(Running::start::<&str>(&program, &[]).succeed(), layout(), "{way:?}");
    }
}

#[test]
fn a_program_asks_for_the_version_of_the_abi_it_was_linked_with() {
    let workshop = Workshop::new();
    let Some(program) = workshop.compile("misuse", (Language::C99, Linkage::Shared)) else {
        return;
    };
    // What is left in the directory is `libringbuf.so.0`.
    std::fs::remove_file(workshop.path("libringbuf.so")).unwrap();
    Running::start(&program, &[workshop.path("")]).succeed();
}

#[test]
fn no_constant_of_the_header_is_left_out_of_the_comparison() {
    let header = header();
    let compared = layout();
    let compared: BTreeSet<_> =
        compared.lines().filter_map(|line| line.split(' ').next()).collect();
    // The parts of the version are in the whole; an initialiser is no number.
    let other = |name: &str| name.starts_with("RINGBUF_VERSION_") || name.ends_with("_INIT");
    let constants = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "RINGBUF_H" && !other(name));
    for constant in constants {
        assert!(compared.contains(constant), "{constant}");
    }
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let Ok(output) =
        Command::new("nm").args(["-D", "--defined-only"]).arg(library("libringbuf.so")).output()
    else {
        println!("SKIPPED: there is no nm");
        return;
    };
    assert!(output.status.success());
    let symbols = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<_> =
        symbols.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(exported, declared());
    assert!(exported.len() > 30);
}

fn header() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/include/ringbuf.h");
    std::fs::read_to_string(path).unwrap()
}

/// The functions of the header: a declaration begins its line with the type of the
/// result, a comment with a star.
fn declared() -> BTreeSet<String> {
    header()
        .lines()
        .filter(|line| ["int ", "uint32_t ", "const char *"].iter().any(|t| line.starts_with(t)))
        .filter_map(|line| line.split('(').next()?.split([' ', '*']).next_back())
        .map(str::to_owned)
        .collect()
}

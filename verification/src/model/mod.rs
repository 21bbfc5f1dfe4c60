//! The scenes that loom explores.
//!
//! A scene is a function: it makes the words, lets two or three participants act
//! on them, and asserts what must hold. It says nothing about how far it is
//! explored; the tests do.

pub mod broadcast;
pub mod broadcast_deaths;
pub mod event;
pub mod flush;
pub mod hub;
pub mod lane;
pub mod mpmc;
pub mod peer;
pub mod record;
pub mod ring;
pub mod stream;
pub mod strict;
pub mod ticker;
pub mod ticks;
pub mod wait;

use crate::lab::{Explored, explore, explore_deaths};
use ringbuf_core::event::Fencing;
use ringbuf_core::life::Delivery::{Latest, Lossless, Lossy};
use ringbuf_core::subscriber::Want;

/// How a scene is run.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// Everybody lives.
    Lives(fn()),
    /// One participant ends before its operation of this number.
    Dies(fn(u32)),
}

/// A scene with a name.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// As the table of edges in PROTOCOL.md names it.
    pub name: &'static str,
    run: Run,
}

impl Model {
    /// Explores every execution, or those with at most `bound` preemptions; and
    /// that for every death point, if somebody dies in this scene.
    ///
    /// # Panics
    /// When an execution breaks what the scene asserts.
    #[must_use]
    pub fn explore(&self, bound: Option<usize>) -> Explored {
        match self.run {
            Run::Lives(scene) => explore(bound, scene),
            Run::Dies(scene) => explore_deaths(bound, scene),
        }
    }

    /// The scene of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        MODELS.iter().find(|model| model.name == name).copied()
    }
}

/// All scenes, small and telling ones first.
pub const MODELS: [Model; 86] = [
    Model { name: "stream_passes", run: Run::Lives(|| stream::passes(0, 3, 1, 1)) },
    Model { name: "stream_passes_batches", run: Run::Lives(|| stream::passes(0, 3, 2, 2)) },
    Model { name: "stream_consumer_dies", run: Run::Dies(stream::consumer_dies::<3>) },
    Model { name: "stream_producer_dies", run: Run::Dies(stream::producer_dies::<3>) },
    Model { name: "record_passes", run: Run::Lives(|| record::passes(0)) },
    Model { name: "record_consumer_dies", run: Run::Dies(record::consumer_dies) },
    Model { name: "mpmc_one_slot", run: Run::Lives(|| mpmc::one_slot(1, 3)) },
    Model { name: "mpmc_latecomer", run: Run::Lives(mpmc::latecomer) },
    Model { name: "mpmc_two_producers", run: Run::Lives(|| mpmc::two_producers(1)) },
    Model { name: "mpmc_two_consumers", run: Run::Lives(mpmc::two_consumers) },
    Model { name: "mpmc_producer_dies", run: Run::Dies(mpmc::producer_dies) },
    Model { name: "mpmc_consumer_dies", run: Run::Dies(mpmc::consumer_dies) },
    Model { name: "mpmc_orphan_is_announced", run: Run::Lives(mpmc::orphan_is_announced) },
    Model { name: "mpmc_orphan_again", run: Run::Lives(mpmc::orphan_again) },
    Model { name: "mpmc_two_slots", run: Run::Lives(|| mpmc::two_slots(3)) },
    Model { name: "mpmc_two_claim", run: Run::Lives(|| mpmc::two_claim(2)) },
    Model { name: "mpmc_two_read", run: Run::Lives(mpmc::two_read) },
    Model { name: "mpmc_aborts", run: Run::Lives(|| mpmc::aborts(1)) },
    Model {
        name: "mpmc_slow_sweeper_of_a_writer",
        run: Run::Lives(mpmc::slow_sweeper_of_a_writer),
    },
    Model {
        name: "mpmc_slow_sweeper_of_a_reader",
        run: Run::Lives(mpmc::slow_sweeper_of_a_reader),
    },
    Model { name: "mpmc_two_sweepers", run: Run::Lives(mpmc::two_sweepers) },
    Model { name: "mpmc_adopter_dies", run: Run::Lives(mpmc::adopter_dies) },
    Model { name: "mpmc_everybody_goes", run: Run::Lives(mpmc::everybody_goes) },
    Model { name: "mpmc_marks", run: Run::Lives(mpmc::marks) },
    Model { name: "mpmc_closes", run: Run::Lives(mpmc::closes) },
    Model { name: "mpmc_closes_after_a_death", run: Run::Dies(mpmc::closes_after_a_death) },
    Model { name: "strict_one_slot", run: Run::Lives(|| mpmc::one_slot_strict(1, 2)) },
    Model { name: "strict_writer_is_passed", run: Run::Lives(strict::writer_is_passed) },
    Model { name: "strict_writer_is_lapped", run: Run::Lives(strict::writer_is_lapped) },
    Model { name: "strict_reader_is_passed", run: Run::Lives(strict::reader_is_passed) },
    Model {
        name: "strict_writer_is_passed_and_wakes",
        run: Run::Lives(strict::writer_is_passed_and_wakes),
    },
    Model { name: "strict_two_claims_are_passed", run: Run::Lives(strict::two_claims_are_passed) },
    Model { name: "strict_passed_writer_dies", run: Run::Dies(strict::passed_writer_dies) },
    Model { name: "strict_passed_reader_dies", run: Run::Dies(strict::passed_reader_dies) },
    Model { name: "broadcast_lossy_reads", run: Run::Lives(|| broadcast::reads(Lossy)) },
    Model { name: "broadcast_lossless_reads", run: Run::Lives(|| broadcast::reads(Lossless)) },
    Model { name: "broadcast_latest_reads", run: Run::Lives(|| broadcast::reads(Latest)) },
    Model {
        name: "broadcast_four_entries",
        run: Run::Lives(|| broadcast::reads_in_a_ring_of_four(Lossy)),
    },
    Model { name: "broadcast_joins", run: Run::Lives(broadcast::joins_at_oldest) },
    Model { name: "broadcast_evicts", run: Run::Lives(broadcast::evicts) },
    Model { name: "broadcast_grows", run: Run::Lives(|| broadcast::grows(Lossy, false)) },
    Model { name: "broadcast_is_given_up", run: Run::Lives(|| broadcast::grows(Latest, true)) },
    Model {
        name: "broadcast_newest",
        run: Run::Lives(|| broadcast::wants_the_newest(Want::Whole)),
    },
    Model {
        name: "broadcast_finds_what_is_whole",
        run: Run::Lives(|| broadcast::finds_what_is_whole(Lossy)),
    },
    Model { name: "broadcast_released_elsewhere", run: Run::Lives(broadcast::released_elsewhere) },
    Model { name: "broadcast_leaves", run: Run::Lives(broadcast::leaves) },
    Model { name: "broadcast_wakes_for_room", run: Run::Lives(broadcast::wakes_for_room) },
    Model {
        name: "broadcast_holds_one",
        run: Run::Lives(|| broadcast::holds_one_and_reads_on(Lossless)),
    },
    Model {
        name: "broadcast_evicts_who_holds_one",
        run: Run::Lives(broadcast::evicts_who_holds_one),
    },
    Model {
        name: "broadcast_cell_changes_hands",
        run: Run::Lives(broadcast::a_cell_changes_hands),
    },
    Model {
        name: "broadcast_publisher_dies",
        run: Run::Dies(|after| broadcast_deaths::publisher_dies(after, Lossy, Want::Parts)),
    },
    Model {
        name: "broadcast_publisher_dies_at_the_newest",
        run: Run::Dies(|after| broadcast_deaths::publisher_dies(after, Latest, Want::Whole)),
    },
    Model { name: "broadcast_successor_dies", run: Run::Dies(broadcast_deaths::successor_dies) },
    Model {
        name: "broadcast_subscriber_dies",
        run: Run::Dies(|after| broadcast_deaths::subscriber_dies(after, Lossless)),
    },
    Model {
        name: "broadcast_cell_of_the_dead",
        run: Run::Lives(broadcast_deaths::a_cell_of_the_dead),
    },
    Model { name: "broadcast_slow_sweeper", run: Run::Lives(broadcast_deaths::slow_sweeper) },
    Model { name: "ticks_is_overtaken", run: Run::Lives(|| ticks::is_overtaken(Lossy)) },
    Model { name: "ticks_lossless_reads", run: Run::Lives(|| ticks::reads(Lossless)) },
    Model { name: "ticks_latest_reads", run: Run::Lives(|| ticks::reads(Latest)) },
    Model { name: "ticks_glances", run: Run::Lives(ticks::glances) },
    Model { name: "ticks_joins", run: Run::Lives(ticks::joins_at_oldest) },
    Model { name: "ticks_lossy_reads", run: Run::Lives(|| ticks::reads(Lossy)) },
    Model { name: "ticks_evicts", run: Run::Lives(ticks::evicts) },
    Model { name: "ticks_leaves", run: Run::Lives(ticks::leaves) },
    Model { name: "ticks_wakes_for_room", run: Run::Lives(|| ticks::wakes_for_room(2)) },
    Model {
        name: "ticks_publisher_dies",
        run: Run::Dies(|after| ticks::publisher_dies(after, Lossy)),
    },
    Model {
        name: "ticks_publisher_dies_at_the_newest",
        run: Run::Dies(|after| ticks::publisher_dies(after, Latest)),
    },
    Model { name: "ticks_successor_dies", run: Run::Dies(ticks::successor_dies) },
    Model {
        name: "ticks_subscriber_dies",
        run: Run::Dies(|after| ticks::subscriber_dies(after, Lossless)),
    },
    Model { name: "flush_sees_the_end", run: Run::Lives(flush::sees_the_end_of_reading) },
    Model { name: "flush_outlasts_a_death", run: Run::Dies(flush::outlasts_a_death) },
    Model { name: "event_wakes", run: Run::Lives(|| event::wakes(Fencing::Full)) },
    Model { name: "event_wakes_first", run: Run::Lives(|| event::wakes_first(Fencing::Full)) },
    Model { name: "event_wakes_lightly", run: Run::Lives(|| event::wakes(Fencing::Light)) },
    Model { name: "event_notifier_dies", run: Run::Dies(event::notifier_dies) },
    Model { name: "peer_two_newcomers", run: Run::Lives(peer::two_newcomers) },
    Model { name: "peer_newcomer_and_leaver", run: Run::Lives(peer::newcomer_and_leaver) },
    Model { name: "peer_newcomer_and_dying", run: Run::Dies(peer::newcomer_and_dying) },
    Model { name: "peer_prober", run: Run::Lives(peer::prober) },
    Model { name: "peer_successor", run: Run::Dies(peer::successor) },
    Model { name: "wait_looks", run: Run::Lives(wait::looks) },
    Model { name: "wait_sleeps_until_left", run: Run::Lives(wait::sleeps_until_left) },
    Model { name: "wait_sleeps", run: Run::Lives(wait::sleeps::<2>) },
    Model { name: "wait_probes", run: Run::Dies(wait::probes) },
    Model { name: "wait_successor_closes", run: Run::Lives(wait::successor_closes) },
    Model { name: "wait_for_room", run: Run::Lives(wait::for_room) },
];

//! Goal: a ring that exists is taken only for one that would have been made the same.
//! Method: a ring is made, and asked for with each of its numbers changed.

use super::*;
use crate::header::Redelivery;
use std::time::Duration;

#[test]
fn a_ring_of_many_that_exists_must_be_as_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let made = || Options::new().capacity(64).lanes(2).slot_size(8);
    let ask = |options: &Options| {
        Ring::create_or_open(path.as_os_str(), &options.mpmc_bytes().unwrap(), options)
    };
    let id = ask(&made()).unwrap().id();
    assert_eq!(ask(&made()).unwrap().id(), id);
    for other in [
        made().lanes(3),
        made().producers_max(63),
        made().consumers_max(63),
        made().redeliveries_max(9),
        made().producers_max(63).consumers_max(65),
    ] {
        let error = ask(&other).unwrap_err();
        let what = "number of lanes, producers, consumers or redeliveries";
        assert!(matches!(error, OpenError::Different(it) if it == what), "{error}");
    }
    for other in [made().capacity(128), made().slot_size(72)] {
        let error = ask(&other).unwrap_err();
        assert!(matches!(error, OpenError::Different("capacity or slot size")), "{error}");
    }
    let spec = made().bytes().unwrap();
    let error = Ring::create_or_open(path.as_os_str(), &spec, &made()).unwrap_err();
    assert!(matches!(error, OpenError::OtherKind { .. }), "{error}");
    // It always may, whatever is asked for.
    assert!(ask(&made().reopen(false)).unwrap().spec().reopen);
}

#[test]
fn a_broadcast_ring_that_exists_must_be_as_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let made = || Options::new().capacity(4).subscribers_max(2).views_max(3).slot_size(8);
    let ask = |options: &Options| {
        Ring::create_or_open(path.as_os_str(), &options.broadcast_bytes().unwrap(), options)
    };
    let id = ask(&made()).unwrap().id();
    // What is said of other kinds makes no difference.
    assert_eq!(ask(&made().lanes(2).redelivery(Redelivery::Drop)).unwrap().id(), id);
    for other in [
        made().subscribers_max(3),
        made().views_max(4),
        made().reader_patience(Some(Duration::ZERO)),
    ] {
        let error = ask(&other).unwrap_err();
        let what = "number of subscribers or views, or patience with readers";
        assert!(matches!(error, OpenError::Different(it) if it == what), "{error}");
    }
    for other in [made().capacity(8), made().slot_size(72)] {
        let error = ask(&other).unwrap_err();
        assert!(matches!(error, OpenError::Different("capacity or slot size")), "{error}");
    }
    let error = ask(&made().reopen(true)).unwrap_err();
    assert!(matches!(error, OpenError::Different("reopening policy")), "{error}");
    let spec = made().capacity(64).mpmc_bytes().unwrap();
    let error = Ring::create_or_open(path.as_os_str(), &spec, &made()).unwrap_err();
    let expected = (Kind::Broadcast, Kind::Mpmc);
    assert!(
        matches!(error, OpenError::OtherKind { found, expected: it } if (found, it) == expected),
        "{error}"
    );
}

#[test]
fn who_insists_on_full_fences_does_not_get_into_an_asymmetric_ring() {
    let directory = tempfile::tempdir().unwrap();
    let ask = |name: &str, fence: Option<Fence>| {
        let mut options = Options::new().capacity(2);
        if let Some(fence) = fence {
            options = options.fence(fence);
        }
        let path = directory.path().join(name);
        Ring::create_or_open(path.as_os_str(), &options.slots_of::<u64>().unwrap(), &options)
    };
    let id = ask("asymmetric", Some(Fence::Asymmetric)).unwrap().id();
    assert_eq!(ask("asymmetric", None).unwrap().id(), id);
    let error = ask("asymmetric", Some(Fence::Full)).unwrap_err();
    assert!(matches!(error, OpenError::Different("fence")), "{error}");
    // Nobody is interrupted in a ring of full ones, and everybody woken.
    let id = ask("full", Some(Fence::Full)).unwrap().id();
    for fence in [None, Some(Fence::Full), Some(Fence::Asymmetric)] {
        assert_eq!(ask("full", fence).unwrap().id(), id);
    }
}

#[test]
fn a_broadcast_ring_says_what_it_is_and_what_its_pool_costs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(5).slot_size(100).views_max(3);
    let ring = Ring::create_broadcast_bytes(&path, &options).unwrap();
    assert_eq!((ring.kind().name(), ring.lanes()), ("broadcast", 1));
    assert_eq!(ring.progress(), crate::Progress::Strict);
    let pool = ring.pool().unwrap();
    assert_eq!((pool.ring, pool.claims, pool.views, pool.slots), (8, 1, 3, 12));
    assert_eq!(pool.bytes, 12 * 192);
    assert_eq!((ring.shape().capacity(), ring.shape().data_len()), (8, pool.bytes));
    for error in [ring.stats().unwrap_err(), ring.mpmc_stats().unwrap_err()] {
        assert!(matches!(error, OpenError::OtherKind { found: Kind::Broadcast, .. }), "{error}");
    }
    let options = options.capacity(64);
    let many = Ring::create_mpmc::<u64>(directory.path().join("many"), &options).unwrap();
    assert_eq!(many.pool(), None);
}

//! Goal: a ring that exists is taken only for one that would have been made the same.
//! Method: a ring is made, and asked for with each of its numbers changed.

use super::*;

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

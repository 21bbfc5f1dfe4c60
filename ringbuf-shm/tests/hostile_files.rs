//! Goal: whatever stands where a ring should be is refused with its reason, never
//! believed, never waited for, never touched (promises P6, P7).
//! Method: files are spoiled, exchanged, linked and given away, names and directories
//! are made up, and each is opened; a believed one, a wrong reason or a signal fails.

mod helper;

use helper::{Helper, argument, is_root, say};
use ringbuf_shm::{OpenError, Options, Ring, spsc};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

const IMMUTABLE_LEN: u64 = 8192;
/// Somebody else; nobody in particular.
const STRANGER: u32 = 54_321;

struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

/// A good ring of records in a directory of its own.
fn ring() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().capacity(4096);
    spsc::records::Producer::create(&path, &options).unwrap();
    Place { directory, path }
}

/// A good ring of each kind.
fn rings() -> [Place; 3] {
    let many = ring();
    fs::remove_file(&many.path).unwrap();
    Ring::create_mpmc::<u64>(&many.path, &Options::new().capacity(64).lanes(2)).unwrap();
    let broadcast = ring();
    fs::remove_file(&broadcast.path).unwrap();
    let options = Options::new().capacity(4).slot_size(100).views_max(3);
    Ring::create_broadcast_bytes(&broadcast.path, &options).unwrap();
    [ring(), many, broadcast]
}

fn refused(path: &Path) -> OpenError {
    Ring::open(path).expect_err("the ring was believed")
}

fn untrusted(path: &Path, why: &str) {
    match refused(path) {
        OpenError::Untrusted(reason) => assert_eq!(reason, why),
        other => panic!("{other}"),
    }
}

#[test]
fn every_length_but_the_right_one_is_refused() {
    rings().into_iter().for_each(|place| refuses_other_lengths(&place));
}

fn refuses_other_lengths(place: &Place) {
    let file = File::options().write(true).open(&place.path).unwrap();
    let whole = file.metadata().unwrap().len();
    for longer in [1, 4096, 65_536, 1 << 40] {
        file.set_len(whole + longer).unwrap();
        let error = refused(&place.path);
        assert!(matches!(error, OpenError::Damaged("the length of the file")), "{error}");
    }
    file.set_len(whole).unwrap();
    Ring::open(&place.path).unwrap();
    let shorter = [whole - 1, whole / 2, IMMUTABLE_LEN + 1].into_iter();
    for len in shorter.chain((0..=IMMUTABLE_LEN).rev()) {
        file.set_len(len).unwrap();
        match refused(&place.path) {
            OpenError::Truncated { found, expected } => {
                assert_eq!(found, len);
                assert_eq!(expected, if len < IMMUTABLE_LEN { IMMUTABLE_LEN } else { whole });
            }
            error => assert!(matches!(error, OpenError::NotARing) && len < 16, "{len}: {error}"),
        }
    }
}

#[test]
fn every_flipped_bit_of_the_immutable_part_is_refused() {
    rings().into_iter().for_each(|place| refuses_flipped_bits(&place));
}

fn refuses_flipped_bits(place: &Place) {
    let file = File::options().write(true).open(&place.path).unwrap();
    let good = fs::read(&place.path).unwrap();
    for at in 0..IMMUTABLE_LEN {
        let byte = good[usize::try_from(at).unwrap()];
        for bit in 0..8 {
            file.write_all_at(&[byte ^ 1 << bit], at).unwrap();
            refused(&place.path);
        }
        file.write_all_at(&[byte], at).unwrap();
    }
    Ring::open(&place.path).unwrap();
}

#[test]
fn files_that_are_not_rings_are_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let text = "RINGBUF, but as a text\n".repeat(10_000).into_bytes();
    let mut numbers = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        numbers.to_be_bytes()[0]
    })
    .take(100_000)
    .collect();
    for bytes in [&program, &text, &noise, &vec![0; 400_000], &vec![0xFF; 400_000], &Vec::new()] {
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::NotARing), "{error}");
    }
}

#[test]
fn what_is_no_plain_file_is_refused_without_waiting() {
    let place = ring();
    let at = |name: &str| place.directory.path().join(name);
    let not_plain = "it is not a plain file";
    fs::create_dir(at("directory")).unwrap();
    untrusted(&at("directory"), not_plain);
    // Nobody ever opens the other end.
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), mode).unwrap();
    untrusted(&at("pipe"), not_plain);
    let _socket = UnixListener::bind(at("socket")).unwrap();
    untrusted(&at("socket"), not_plain);
    untrusted(Path::new("/dev/null"), not_plain);
    untrusted(Path::new("/dev/zero"), not_plain);
    for name in ["directory", "pipe", "socket"] {
        let taken = spsc::Producer::<u64>::create(at(name), &Options::new());
        assert!(matches!(taken, Err(OpenError::Exists)), "{name}");
    }
    let (input, _output) = std::io::pipe().unwrap();
    for file in [File::open("/dev/zero").unwrap().into(), std::os::fd::OwnedFd::from(input)] {
        let error = Ring::from_fd(file).unwrap_err();
        assert!(matches!(error, OpenError::Untrusted(why) if why == not_plain), "{error}");
    }
}

#[test]
fn links_are_refused_and_what_they_mean_is_not_touched() {
    let place = ring();
    let at = |name: &str| place.directory.path().join(name);
    symlink(&place.path, at("link")).unwrap();
    untrusted(&at("link"), "it is a symbolic link");
    let taken = spsc::Producer::<u64>::create(at("link"), &Options::new());
    assert!(matches!(taken, Err(OpenError::Exists)));
    symlink(at("victim"), at("dangling")).unwrap();
    let taken = spsc::Producer::<u64>::create(at("dangling"), &Options::new());
    assert!(matches!(taken, Err(OpenError::Exists)));
    let taken = spsc::Producer::<u64>::create_or_open(at("dangling"), &Options::new());
    assert!(matches!(taken, Err(OpenError::Untrusted("it is a symbolic link"))));
    assert!(!at("victim").exists());

    fs::write(at("text"), "untouched").unwrap();
    symlink(at("text"), at("to-text")).unwrap();
    untrusted(&at("to-text"), "it is a symbolic link");
    assert_eq!(fs::read(at("text")).unwrap(), b"untouched");

    fs::hard_link(&place.path, at("second")).unwrap();
    untrusted(&at("second"), "it has a second name");
    untrusted(&place.path, "it has a second name");
    Ring::unlink(at("second")).unwrap();
    Ring::open(&place.path).unwrap();
}

#[test]
fn rings_of_others_are_refused_unless_they_are_trusted() {
    if !is_root() {
        return;
    }
    let place = ring();
    chown(&place.path, Some(STRANGER), None).unwrap();
    untrusted(&place.path, "it belongs to another user");
    let other = Options::new().trust_owner(STRANGER + 1);
    assert!(matches!(Ring::open_with(&place.path, &other), Err(OpenError::Untrusted(_))));
    let trusting = Options::new().trust_owner(STRANGER);
    Ring::open_with(&place.path, &trusting).unwrap();
    fs::set_permissions(&place.path, Permissions::from_mode(0o660)).unwrap();
    Ring::open_with(&place.path, &trusting).unwrap();
    fs::set_permissions(&place.path, Permissions::from_mode(0o662)).unwrap();
    let error = Ring::open_with(&place.path, &trusting).unwrap_err();
    assert!(matches!(error, OpenError::Untrusted("everybody may write to it")), "{error}");
}

#[test]
fn rings_that_others_may_write_to_are_refused_unless_that_is_meant() {
    let place = ring();
    let set = |mode| fs::set_permissions(&place.path, Permissions::from_mode(mode)).unwrap();
    set(0o644);
    Ring::open(&place.path).unwrap();
    set(0o660);
    untrusted(&place.path, "its group may write to it; `trust_owner` opens it all the same");
    let me = rustix::process::geteuid().as_raw();
    Ring::open_with(&place.path, &Options::new().trust_owner(me)).unwrap();
    Ring::open_with(&place.path, &Options::new().mode(0o660)).unwrap();
    set(0o602);
    untrusted(&place.path, "everybody may write to it");
    let meant = Options::new().mode(0o660).trust_owner(me);
    assert!(matches!(Ring::open_with(&place.path, &meant), Err(OpenError::Untrusted(_))));
}

#[test]
fn no_ring_is_made_that_everybody_could_write_to() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().mode(0o666);
    let error = spsc::Producer::<u64>::create(&path, &options).unwrap_err();
    assert!(matches!(error, OpenError::Untrusted(_)), "{error}");
    assert!(!path.exists());
}

#[test]
fn both_sides_of_a_ring_for_a_group_may_ask_alike() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring");
    let options = Options::new().mode(0o660);
    let _producer = spsc::Producer::<u64>::create_or_open(&path, &options).unwrap();
    let _consumer = spsc::Consumer::<u64>::create_or_open(&path, &options).unwrap();
}

fn is_bad_name(name: &OsStr) {
    let options = Options::new();
    for result in [
        Ring::open(name).map(drop),
        Ring::unlink(name),
        spsc::Producer::<u64>::create(name, &options).map(drop),
        spsc::Producer::<u64>::create_or_open(name, &options).map(drop),
    ] {
        assert!(matches!(result, Err(OpenError::Name(_))), "{name:?}: {result:?}");
    }
}

#[test]
fn names_that_play_tricks_are_refused() {
    let too_long = "a".repeat(201);
    for name in [
        "",
        ".",
        "..",
        "a/",
        "/",
        "./.",
        "..//",
        "a/.",
        "a/..",
        "-x",
        ".hidden",
        "a\0b",
        "/tmp/a\0b",
    ]
    .into_iter()
    .chain(["a\nb", "\x1b[2J", "\u{85}", "/tmp/.ringbuf-new-0", &too_long])
    {
        is_bad_name(OsStr::new(name));
    }
    is_bad_name(&OsString::from_vec(vec![b'a', 0xFF]));
}

#[test]
#[ignore = "run by other tests"]
fn entry_named() {
    let Some(name) = argument("NAME") else { return };
    let options = Options::new().capacity(16);
    match spsc::Producer::<u64>::create(&name, &options) {
        Ok(_) => say(format!("made; {:?}", ringbuf_shm::list().unwrap())),
        Err(error) => say(error),
    }
}

/// What becomes of a ring `camera` in this directory.
fn created_in(directory: &Path) -> String {
    let arguments = [("RINGBUF_DIR", directory), ("NAME", Path::new("camera"))];
    let mut helper = Helper::start("entry_named", &arguments);
    let said = helper.hears().unwrap();
    helper.succeed();
    said
}

#[test]
fn the_directory_of_rings_must_be_safe() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let set = |name: &str, mode| {
        fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
    };
    // One that is missing is made.
    assert_eq!(created_in(&at("new")), "made; [\"camera\"]");
    assert_eq!(fs::metadata(at("new")).unwrap().permissions().mode() & 0o7777, 0o700);
    let safe = |name: &str| !created_in(&at(name)).contains("is not safe for rings");

    fs::create_dir(at("chosen")).unwrap();
    set("chosen", 0o777);
    assert!(!safe("chosen"));
    set("chosen", 0o1777);
    assert!(safe("chosen"));
    set("chosen", 0o770);
    assert!(safe("chosen"));
    symlink(at("chosen"), at("link")).unwrap();
    assert!(!safe("link"));
    fs::write(at("file"), "").unwrap();
    assert!(!safe("file"));
    let said = created_in(&at("none").join("below"));
    assert_eq!(said, "cannot make the directory of rings: No such file or directory (os error 2)");
}

#[test]
fn the_users_own_directory_must_be_his_and_closed() {
    let flags = ["--mount"];
    if !is_root() || !helper::can_unshare(&flags) {
        return;
    }
    let own = "/dev/shm/ringbuf-0";
    for (plant, safe) in [
        (format!("mkdir -m 700 {own}"), true),
        (format!("mkdir -m 750 {own}"), false),
        (format!("mkdir -m 777 {own}"), false),
        (format!("mkdir -m 700 {own}; chown {STRANGER} {own}"), false),
        (format!("mkdir -m 700 /dev/shm/other; ln -s other {own}"), false),
    ] {
        let script = format!("mount -t tmpfs none /dev/shm; {plant}; exec \"$@\"");
        let by = ["unshare", "--mount", "sh", "-ec", &script, "sh"];
        let arguments = [("RINGBUF_DIR", ""), ("NAME", "camera")];
        let mut helper = Helper::start_by(&by, "entry_named", &arguments);
        let said = helper.hears().unwrap();
        assert_eq!(said.contains("is not safe for rings"), !safe, "{plant}: {said}");
        helper.succeed();
    }
}

//! Goal: `clip.sh` passes a clip that ffmpeg decodes through a ring, intact.
//! Method: a clip that ffmpeg makes, since none is kept here; skipped without ffmpeg.

mod scene;

use scene::{Running, Scene};
use std::process::{Command, Stdio};

#[test]
fn a_decoded_clip_comes_out_intact() {
    let scene = Scene::new();
    let clip = scene.path("clip.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=size=322x242:rate=50"])
        .args(["-frames:v", "40", "-c:v", "ffv1"])
        .arg(&clip)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("SKIPPED: ffmpeg is missing, or makes no clips");
        return;
    }
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clip.sh"));
    command
        .arg(&clip)
        .env("RINGBUF", env!("CARGO_BIN_EXE_ringbuf"))
        .env("RINGBUF_DIR", scene.rings())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = Running::start(command).end().well();
    println!("{}", ended.text());
    assert!(ended.text().contains("bytes came out as they went in"));
    assert!(ended.text().contains("together: all 40 frames, in order, none missing"));
    assert!(ended.text().contains("together: each of 40 frames, none missing"));
    let to_all = "all1, all2: ";
    assert_eq!(ended.text().matches(to_all).count(), 2, "as fast as it goes, and at its rate");
    assert_eq!(scene.names(), [""; 0]);
}

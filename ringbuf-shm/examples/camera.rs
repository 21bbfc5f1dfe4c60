//! The example of the README: a camera and a viewer.

use ringbuf_shm::{Options, spsc};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One process: a camera.
    let options = Options::new().capacity(8).slot_size(1920 * 1080 * 3 / 2);
    let mut camera = spsc::bytes::Producer::create("camera0", &options)?; // a name, or a path
    let mut frame = camera.claim()?; // room in the ring, to be written in place
    frame.fill(128);
    frame.set_tag(1);
    let len = frame.len();
    frame.commit(len)?;

    // Another process: a viewer.
    let mut viewer = spsc::bytes::Consumer::open("camera0")?;
    let frame = viewer.read()?; // the same bytes, in place, until dropped
    assert_eq!((frame[0], frame.tag()), (128, 1));
    ringbuf_shm::Ring::unlink("camera0")?;
    Ok(())
}

# What a developer runs. `make` alone lists it.

.PHONY: help test check demo bench verify soak spin clip doc asm

help:           ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: .*## /\t/' | expand -t 12

test:           ## everything that `cargo test` runs
	cargo test --workspace

check:          ## formatting, lints, documentation
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p ringbuf-cli -- -D warnings
	cargo clippy -p ringbuf-benches --all-targets --features iceoryx2 -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

demo:           ## video frames for three processes, one of them slow, a report
	cargo run --release -- demo

bench:          ## ourselves, the rivals and the limit in one run, some twelve minutes, and a page of it
	cargo run --release -p ringbuf-benches --features iceoryx2 -- --raw target/bench.jsonl --page target/bench.html

verify:         ## the longer checks: more kills, stops, hostile peers and round trips, as compiled for release
	RINGBUF_KILLS=10000 RINGBUF_STEPS=500000 RINGBUF_STOPS=30 RINGBUF_HOSTILE_MS=20000 \
	RINGBUF_ROUND_TRIPS=1000000 cargo test --release -p ringbuf-verification

soak:           ## peers of rings of many, then of broadcasts, one killed every few milliseconds, ten minutes each
	RINGBUF_SOAK=600 cargo test --release -p ringbuf-verification --test killed_many --test killed_broadcast -- --nocapture

spin:           ## all SPIN models, also of protocols to come: many minutes, some gigabytes (needs spin and gcc)
	cargo test -p ringbuf-verification --test spin -- --include-ignored --nocapture

clip:           ## CLIP=file: a real clip through the command, byte for byte, also under kill -9
	cargo build --release
	ringbuf-cli/tests/clip.sh $(CLIP)

doc:            ## the documentation, opened
	cargo doc --workspace --no-deps --open

asm:            ## the fast path of push and pop, as compiled
	cargo build --release -p ringbuf-benches
	objdump -d --no-show-raw-insn -C target/release/ringbuf-benches | less

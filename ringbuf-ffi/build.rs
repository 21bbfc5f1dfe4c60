//! Gives the shared library its name for the linker: programs ask for the version of
//! the ABI they were built with, and find it beside later ones.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libringbuf.so.0");
}

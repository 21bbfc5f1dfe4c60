//! Compiles what is measured of Boost, where there are a C++ compiler and its headers, and
//! says so to the crate: `cfg(boost)`. Elsewhere those measurements are left out.

#[cfg(feature = "full")]
use std::process::Stdio;

const SOURCE: &str = "src/rivals/boost.cpp";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(boost)");
    println!("cargo::rerun-if-changed={SOURCE}");
    #[cfg(feature = "full")]
    compile();
}

#[cfg(feature = "full")]
fn compile() {
    let mut build = cc::Build::new();
    // No compiler at all is nothing to warn of.
    build.cpp(true).std("c++17").file(SOURCE).cargo_warnings(false);
    if finds_all_headers(&build) {
        build.cargo_warnings(true).compile("boost-for-ringbuf-benches");
        println!("cargo::rustc-cfg=boost");
    }
}

/// Whether there is a compiler that can list the headers of the source.
#[cfg(feature = "full")]
fn finds_all_headers(build: &cc::Build) -> bool {
    let Ok(compiler) = build.try_get_compiler() else { return false };
    let mut list = compiler.to_command();
    list.arg("-M").arg(SOURCE).stdout(Stdio::null()).stderr(Stdio::null());
    list.status().is_ok_and(|status| status.success())
}

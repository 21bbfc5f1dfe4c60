//! Compiles the programs of `tests/c` as strangers would, against the library that
//! cargo built for this test.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const WARNINGS: [&str; 4] = ["-pedantic", "-Wall", "-Wextra", "-Werror"];
/// What `rustc --print native-static-libs` says of the static library.
const STATIC_NEEDS: [&str; 7] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C99,
    Cpp17,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linkage {
    Static,
    Shared,
}

/// Every way in which a program can be built.
pub(crate) const WAYS: [(Language, Linkage); 4] = [
    (Language::C99, Linkage::Static),
    (Language::C99, Linkage::Shared),
    (Language::Cpp17, Linkage::Static),
    (Language::Cpp17, Linkage::Shared),
];

/// A directory with programs in it, removed with them.
pub(crate) struct Workshop {
    directory: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // Where programs find the library by the name it has for the linker, and at
        // run time by its soname.
        for name in ["libringbuf.so", "libringbuf.so.0"] {
            let link = directory.path().join(name);
            std::os::unix::fs::symlink(library("libringbuf.so"), link).unwrap();
        }
        Self { directory }
    }

    /// A file name in the directory, for a ring.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Compiles `tests/c/<name>.c`. `None`: there is no compiler, which was said.
    pub(crate) fn compile(
        &self,
        name: &str,
        (language, linkage): (Language, Linkage),
    ) -> Option<PathBuf> {
        let (variable, default) = match language {
            Language::C99 => ("CC", "cc"),
            Language::Cpp17 => ("CXX", "c++"),
        };
        let compiler = env::var_os(variable).unwrap_or_else(|| OsString::from(default));
        if Command::new(&compiler).arg("--version").output().is_err() {
            println!("SKIPPED: {language:?}, since there is no {}", compiler.display());
            return None;
        }
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = self.path(&format!("{name}-{language:?}-{linkage:?}"));
        let mut command = Command::new(&compiler);
        command.args(WARNINGS).args(["-g", "-D_POSIX_C_SOURCE=200809L", "-I"]);
        command.arg(package.join("include")).arg("-o").arg(&program);
        match language {
            Language::C99 => command.args(["-std=c99", "-x", "c"]),
            Language::Cpp17 => command.args(["-std=c++17", "-x", "c++"]),
        };
        command.arg(package.join("tests/c").join(name).with_extension("c")).args(["-x", "none"]);
        match linkage {
            Linkage::Static => command.arg(library("libringbuf.a")).args(STATIC_NEEDS),
            Linkage::Shared => command
                .arg("-L")
                .arg(self.directory.path())
                .arg(format!("-Wl,-rpath,{}", self.directory.path().display()))
                .arg("-lringbuf"),
        };
        let output = command.output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}\n{complaints}");
        Some(program)
    }
}

/// The library as cargo built it for this test, beside the test itself.
pub(crate) fn library(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let library = test.parent().unwrap().join(name);
    assert!(library.exists(), "cargo has not built {}", library.display());
    library
}

//! The binary `windlass`: every command but `worker`, which needs the language that the app is
//! written in.

use std::process::ExitCode;

use windlass_server::cli::{self, Finished};

fn main() -> ExitCode {
    // An argument that is no Unicode cannot be an id, a word or a URL; the parser refuses it by name.
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let code = match cli::run(args) {
        Finished::Exit(code) => code,
        Finished::Worker(worker) => cli::refuse_worker(&worker),
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

//! The supervisor as a program of its own, for the tests of this crate: the product runs itself instead.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    longshore_agent::supervise::main(std::env::args_os().skip(1))
}

//! The supervisor as a separate program, for the tests of this crate; in production the product
//! runs itself instead.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    longshore_agent::supervise::main(std::env::args_os().skip(1))
}

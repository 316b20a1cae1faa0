//! The supervisor as a separate program, for the tests of this crate; in production the product
//! runs itself instead.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    let mut words = std::env::args_os().skip(1).peekable();
    if words.peek().is_some_and(|word| word == "fetch") {
        let nowhere = |_, _, _| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
            Box::pin(async { Err("there are no credentials".to_owned()) })
        };
        return longshore_agent::fetch::main(std::sync::Arc::new(nowhere));
    }
    longshore_agent::supervise::main(words)
}

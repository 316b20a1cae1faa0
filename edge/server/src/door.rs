//! The doors of the program: every port that it listens on, and who may come in.
//!
//! [`bind`] makes a [`Listener`], and nothing else does: a listener knows from its beginning which port it is, whom it answers and
//! which addresses it is called by, so there is no port without a [`guard`]. [`serve`] is the one place where requests are read: what
//! no front end should see is refused there, in the form that the front end gives, and every answer leaves with the same headers.
//!
//! Why a guard on ports that only this machine reaches: a web browser runs the programs of strangers on this machine. Such a program
//! can make the browser call `127.0.0.1`, and by giving a name of its own that address ("DNS rebinding") it could even read the answers.
//!
//! Invariants: no request reaches a front end under a name that is not ours, or from a page of another origin that nobody
//! allowed; no answer can be framed, or taken for another type than it says; one peer cannot keep the others out.

mod guard;
mod headers;
mod listener;
mod names;
mod seats;

pub(crate) use guard::{is_from_allowed_page, is_from_page};
pub use listener::{BindError, Listener, Port, bind};
pub(crate) use listener::{Front, serve};
pub use names::{HostName, Origin};

/// Who may call a port, beside those who always may.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Names and addresses that a request may be sent to, beside localhost and loopback addresses.
    pub allow_hosts: Vec<HostName>,
    /// Origins whose pages may call.
    pub allow_origins: Vec<Origin>,
    /// Whether everybody who reaches a port may call it, where that is not only this machine.
    pub insecure: bool,
}

/// Whether the callers of a port prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Each request is signed, or carries credentials.
    Proven,
    /// Each request names a path that nobody can guess, at the address that the caller was told with it.
    Told,
    /// Whoever reaches the port is served.
    Anybody,
}

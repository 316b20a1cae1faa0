//! The doors of the program: every port that it listens on, and who may connect.
//!
//! Only [`bind`] creates a [`Listener`]: a listener knows from the start which port it is, which
//! callers it answers and which host names it goes by, so there is no port without a [`guard`].
//! [`serve`] is the only place where requests are read: what no front end should see is rejected
//! there, in the front end's own format, and every response leaves with the same headers.
//!
//! Why guard ports that only this machine can reach? A web browser runs strangers' programs on this
//! machine. Such a program can make the browser call `127.0.0.1`, and by pointing its own host name
//! at that address ("DNS rebinding") it could even read the responses.
//!
//! Invariants: no request reaches a front end under a name that is not ours, or from a page of
//! another origin that is not allowed; no response can be framed, or interpreted as a type other
//! than its own; one peer cannot keep the others out.

mod guard;
mod headers;
mod listener;
mod names;
mod seats;

pub use guard::Refusal;
pub(crate) use guard::{is_from_allowed_page, is_from_page};
pub use listener::{BindError, Front, Listener, Port, bind, serve};
pub use names::{HostName, Origin};

/// Who may call a port, in addition to local callers.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Host names and addresses accepted in requests, in addition to localhost and loopback
    /// addresses.
    pub allow_hosts: Vec<HostName>,
    /// Origins whose pages may send requests.
    pub allow_origins: Vec<Origin>,
    /// Whether anyone who reaches a port may call it, even from other machines.
    pub insecure: bool,
}

/// How the callers of a port are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Each request is signed, or carries credentials.
    Proven,
    /// Each request uses an unguessable path, at the address given to the caller along with it.
    Told,
    /// They are not.
    Anybody,
}

//! `Authorization` headers of AWS Signature Version 4.
//!
//! A parsed header survives a round trip; checking a signature never panics, and no forged one is
//! valid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_ecs::signature::{Credential, Signed, verify};

fuzz_target!(|header: &str| {
    let Ok(read) = Credential::read(header) else { return };
    let Credential { access_key, date, region, service, signed_headers, signature } = &read;
    let again = format!(
        "AWS4-HMAC-SHA256 Credential={access_key}/{date}/{region}/{service}/aws4_request, SignedHeaders={}, Signature={signature}",
        signed_headers.join(";")
    );
    assert_eq!(Credential::read(&again).expect("it is complete"), read);
    let request =
        Signed { method: "POST", path: "/", query: "", body: b"{}", amz_date: "20260101T000000Z" };
    assert!(verify(request, &read, "secret", std::iter::empty(), |_| Some("value")).is_err());
});

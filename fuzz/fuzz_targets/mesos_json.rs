//! Calls in Mesos's JSON.
//!
//! A parsed call survives round trips through JSON and protobuf.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_mesos::Media;
use longshore_wire_mesos::v1::scheduler::Call;

const CALL: &str = "mesos.v1.scheduler.Call";

fuzz_target!(|data: &[u8]| {
    match Media::Json.decode::<Call>(CALL, data) {
        Ok(call) => {
            let bytes = Media::Protobuf.encode(CALL, &call);
            let again: Call =
                Media::Protobuf.decode(CALL, &bytes).expect("what was written can be read");
            assert_eq!(again, call);
            let json = Media::Json.encode(CALL, &call);
            // JSON has no infinity: it is written as null, which is read as absent.
            if !json.windows(4).any(|four| four == b"null") {
                let again: Call =
                    Media::Json.decode(CALL, &json).expect("what was written can be read");
                assert_eq!(Media::Json.encode(CALL, &again), json);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

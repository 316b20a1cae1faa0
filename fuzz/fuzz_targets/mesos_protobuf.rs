//! Calls in protobuf.
//!
//! A parsed call survives a round trip, and its JSON means the same call.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_mesos::Media;
use longshore_wire_mesos::v1::scheduler::Call;

const CALL: &str = "mesos.v1.scheduler.Call";

fuzz_target!(|data: &[u8]| {
    match Media::Protobuf.decode::<Call>(CALL, data) {
        Ok(call) => {
            let bytes = Media::Protobuf.encode(CALL, &call);
            let again: Call =
                Media::Protobuf.decode(CALL, &bytes).expect("what was written can be read");
            // Compared as bytes, since NaN is not equal to itself.
            assert_eq!(Media::Protobuf.encode(CALL, &again), bytes);
            let json = Media::Json.encode(CALL, &call);
            if !json.windows(4).any(|four| four == b"null") {
                let again: Call =
                    Media::Json.decode(CALL, &json).expect("what was written can be read");
                assert_eq!(Media::Json.encode(CALL, &again), json);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

//! How many cases there are, and where failing ones are kept.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

pub(crate) fn proptest_config() -> ProptestConfig {
    ProptestConfig {
        cases: 128,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        ..ProptestConfig::default()
    }
}

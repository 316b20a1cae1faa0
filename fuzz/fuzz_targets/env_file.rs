//! Environment files.
//!
//! There is one variable per name, with the value of its last line.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use longshore_wire_ecs::env_file;

fuzz_target!(|text: &str| {
    let mut expected = BTreeMap::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some((name, value)) = line.split_once('=')
            && !line.starts_with('#')
            && !name.is_empty()
        {
            expected.insert(name, value);
        }
    }
    let read = env_file::parse(text);
    assert_eq!(read.len(), expected.len());
    assert_eq!(read.into_iter().collect::<BTreeMap<_, _>>(), expected);
});

//! ARNs, ids, and the names in `valueFrom` and environment files.
//!
//! Parsed parts occur in the text; nothing leads out of a directory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use longshore_wire_ecs::arn::{Arn, Realm, ResourceId};
use longshore_wire_ecs::env_file::S3Object;
use longshore_wire_ecs::secret::ValueFrom;

fuzz_target!(|text: &str| {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let expected = match parts[..] {
        ["arn", _, "ecs", region, account, resource] => {
            resource.split_once('/').map(|(kind, rest)| (region, account, kind, rest))
        }
        _ => None,
    };
    let read = Arn::parse(text);
    assert_eq!(read.map(|arn| (arn.region, arn.account, arn.kind, arn.rest)), expected);
    if let Some(arn) = read {
        let realm = Realm::new(arn.region, arn.account);
        let written = realm.arn(format_args!("{}/{}", arn.kind, arn.rest));
        let partition = realm.partition();
        assert_eq!(Arn::parse(&written), Some(Arn { partition, ..arn }));
        assert!(arn.rest.ends_with(arn.id()));
        assert!(arn.cluster().is_none_or(|cluster| arn.rest.starts_with(cluster)));
    }
    if let Some(id) = ResourceId::parse(text) {
        assert_eq!(id.to_string(), text.replace('-', "").to_lowercase());
    }
    if let Some(object) = S3Object::parse(text) {
        assert!(text.ends_with(&format!("{}/{}", object.bucket, object.key)));
        if let Some(path) = object.path() {
            assert!(path.split('/').all(|part| !matches!(part, "" | "." | "..")));
        }
    }
    if let Some(value) = ValueFrom::parse(text) {
        assert!(!value.names().is_empty());
    }
});

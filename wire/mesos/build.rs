//! Generates Rust types, and descriptors for JSON, from `schema/mesos`.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let schema = PathBuf::from("../../schema/mesos");
    println!("cargo:rerun-if-changed={}", schema.display());
    let mut files = protox::compile(["scheduler.proto", "master.proto"], [&schema])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), files.encode_to_vec())?;
    // Deprecation matters only to JSON, which uses the descriptors above. In Rust it would just
    // cause warnings: clients still use these fields, so they are served.
    for message in files.file.iter_mut().flat_map(|file| &mut file.message_type) {
        for field in &mut message.field {
            if let Some(options) = &mut field.options {
                options.deprecated = None;
            }
        }
    }
    prost_build::Config::new().btree_map(["."]).compile_fds(files)?;
    Ok(())
}

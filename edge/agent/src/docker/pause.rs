//! The container that holds the shared namespaces of a task, for `pidMode` and `ipcMode` `task`.
//!
//! As with the ECS agent it starts before the first container of the task, is joined by all of
//! them, and is removed with the task. Its image is built here, as a registry may be unreachable:
//! one static program of under 200 bytes, which reaps children (it is process 1 of the task) and
//! sleeps while there are none.
//!
//! Source: amazon-ecs-agent, the namespace pause container.

use std::time::Duration;

use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, CreateImageOptionsBuilder};
use futures_util::TryStreamExt;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{ContainerSpec, Namespace, TaskSpec};
use longshore_wire_ecs::shape::container_definition::ContainerDefinition;

use super::create;
use super::failure::{CALL, Failure, bounded};

/// The name of the container in its task. Source: amazon-ecs-agent; no container of a definition
/// can have it.
pub(super) const NAME: &str = "~internal~ecs~pause~namespace";

/// Its image repository.
const REPOSITORY: &str = "longshore/pause";

/// The image tag.
const TAG: &str = "1";

/// Attempts to create and start it while another container of the task does the same. Chosen by us.
const ATTEMPTS: u32 = 20;

/// Delay between two attempts. Chosen by us.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether the containers of a task share a namespace.
pub(super) fn is_needed(spec: &TaskSpec) -> bool {
    [spec.namespaces.pid, spec.namespaces.ipc].contains(&Some(Namespace::Task))
}

/// Its Docker name, deterministic.
pub(super) fn docker_name(spec: &TaskSpec) -> String {
    create::unique(spec, "pause", NAME)
}

/// Ensures that it runs. Several containers of a task may call this at once, also after a restart
/// of the agent.
///
/// # Errors
/// The reason, as `ErrorName: text`.
pub(super) async fn provide(
    daemon: &bollard::Docker,
    instance: ResourceId,
    spec: &TaskSpec,
) -> Result<(), String> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match run(daemon, instance, spec).await {
            Ok(()) => return Ok(()),
            // Another caller has reserved the name, but the container does not exist yet.
            Err(failure) if failure.is_missing() && attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(failure) => return Err(failure.reason("CannotCreateContainerError", "created")),
        }
    }
}

async fn run(
    daemon: &bollard::Docker,
    instance: ResourceId,
    spec: &TaskSpec,
) -> Result<(), Failure> {
    let name = docker_name(spec);
    let seen = bounded(CALL, daemon.inspect_container(&name, None)).await;
    if seen.as_ref().is_err_and(Failure::is_missing) {
        let image = format!("{REPOSITORY}:{TAG}");
        match bounded(CALL, daemon.inspect_image(&image)).await {
            Err(failure) if failure.is_missing() => import(daemon).await?,
            other => drop(other?),
        }
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let made = daemon.create_container(Some(options), body(instance, spec, image));
        match bounded(CALL, made).await {
            // Another container of the task was faster.
            Err(failure) if failure.status() == Some(409) => {}
            other => drop(other?),
        }
    } else {
        drop(seen?);
    }
    // Starting a running container is not an error.
    bounded(CALL, daemon.start_container(&name, None)).await
}

fn body(instance: ResourceId, spec: &TaskSpec, image: String) -> ContainerCreateBody {
    let definition = ContainerDefinition { name: Some(NAME.into()), ..Default::default() };
    let own = ContainerSpec { definition: definition.into(), ..Default::default() };
    let shares_memory = spec.namespaces.ipc == Some(Namespace::Task);
    ContainerCreateBody {
        image: Some(image),
        labels: Some(create::labels(instance, spec, &own)),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            ipc_mode: shares_memory.then(|| "shareable".to_owned()),
            readonly_rootfs: Some(true),
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Imports the image into the daemon.
async fn import(daemon: &bollard::Docker) -> Result<(), Failure> {
    let version = bounded(CALL, daemon.version()).await?;
    let architecture = version.arch.unwrap_or_default();
    let program = program(&architecture).ok_or_else(|| {
        let what = "pidMode and ipcMode task need x86_64 or aarch64";
        Failure::Unsupported(format!("{what}, but this daemon runs on {architecture}"))
    })?;
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(REPOSITORY)
        .tag(TAG)
        .changes(vec!["ENTRYPOINT [\"/pause\"]".to_owned()])
        .build();
    let archive = bollard::body_full(archive(&program).into());
    let told = daemon.create_image(Some(options), Some(archive), None);
    bounded(CALL, told.try_for_each(|_| std::future::ready(Ok(())))).await
}

/// The program for a processor architecture, in Docker's naming.
fn program(architecture: &str) -> Option<Vec<u8>> {
    Some(match architecture {
        "amd64" => elf(0x3e, &X86_64),
        "arm64" => elf(0xb7, &AARCH64.map(u32::to_le_bytes).concat()),
        _ => return None,
    })
}

/// `loop { while wait4(-1, 0, 0, 0) >= 0 {} nanosleep(&{1 s}, 0) }`
const X86_64: [u8; 58] = [
    0xbf, 0xff, 0xff, 0xff, 0xff, // mov edi, -1
    0x31, 0xf6, // xor esi, esi
    0x31, 0xd2, // xor edx, edx
    0x45, 0x31, 0xd2, // xor r10d, r10d
    0xb8, 0x3d, 0x00, 0x00, 0x00, // mov eax, 61 (wait4)
    0x0f, 0x05, // syscall
    0x48, 0x85, 0xc0, // test rax, rax
    0x79, 0xe8, // jns to the start
    0x48, 0x8d, 0x3d, 0x0b, 0x00, 0x00, 0x00, // lea rdi, [rip + 11]
    0x31, 0xf6, // xor esi, esi
    0xb8, 0x23, 0x00, 0x00, 0x00, // mov eax, 35 (nanosleep)
    0x0f, 0x05, // syscall
    0xeb, 0xd6, // jmp to the start
    0x01, 0, 0, 0, 0, 0, 0, 0, // 1 s
    0, 0, 0, 0, 0, 0, 0, 0, // and no nanoseconds
];

/// The same for `aarch64`.
const AARCH64: [u32; 16] = [
    0x9280_0000, // mov x0, #-1
    0xd280_0001, // mov x1, #0
    0xd280_0002, // mov x2, #0
    0xd280_0003, // mov x3, #0
    0xd280_2088, // mov x8, #260 (wait4)
    0xd400_0001, // svc #0
    0xb6ff_ff40, // tbz x0, #63 to the start
    0x1000_00a0, // adr x0, . + 20
    0xd280_0001, // mov x1, #0
    0xd280_0ca8, // mov x8, #101 (nanosleep)
    0xd400_0001, // svc #0
    0x17ff_fff5, // b to the start
    1,
    0, // 1 s
    0,
    0, // and no nanoseconds
];

/// A static executable with one segment. Source: System V ABI, *Executable and Linkable Format*, 64
/// bits.
fn elf(machine: u16, code: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 64 + 56;
    const AT: u64 = 0x40_0000;
    let mut file = Vec::new();
    file.extend(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let short = |file: &mut Vec<u8>, value: u16| file.extend(value.to_le_bytes());
    let word = |file: &mut Vec<u8>, value: u32| file.extend(value.to_le_bytes());
    let long = |file: &mut Vec<u8>, value: u64| file.extend(value.to_le_bytes());
    short(&mut file, 2); // executable
    short(&mut file, machine);
    word(&mut file, 1); // version
    long(&mut file, AT + HEADERS); // entry point
    long(&mut file, 64); // offset of the program header
    long(&mut file, 0); // no sections
    word(&mut file, 0); // no flags
    for value in [64, 56, 1, 0, 0, 0] {
        short(&mut file, value); // sizes and counts of headers
    }
    let size = HEADERS + code.len() as u64;
    word(&mut file, 1); // loadable
    word(&mut file, 5); // readable and executable
    for value in [0, AT, AT, size, size, 0x1_0000] {
        long(&mut file, value); // offset, addresses, sizes, alignment
    }
    file.extend(code);
    file
}

/// The root file system of the image as a tar archive with only the program. Source: POSIX, `pax`,
/// *ustar Interchange Format*.
fn archive(program: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 512;
    let mut header = [0; BLOCK];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, "pause");
    put(100, "0000755"); // mode
    put(108, "0000000"); // user
    put(116, "0000000"); // group
    put(124, &format!("{:011o}", program.len()));
    put(136, "00000000000"); // time
    put(148, "        "); // placeholder for the checksum
    put(156, "0"); // regular file
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend(program);
    archive.resize(archive.len().next_multiple_of(BLOCK) + 2 * BLOCK, 0);
    archive
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_program_runs_until_it_is_killed() {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let directory =
            std::env::temp_dir().join(format!("longshore-pause-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("there is room");
        let archive = archive(&program(architecture).expect("this machine is one of the two"));
        std::fs::write(directory.join("image.tar"), archive).expect("there is room");
        let unpacked =
            Command::new("tar").current_dir(&directory).args(["-xf", "image.tar"]).status();
        assert!(unpacked.expect("there is tar").success());
        let path = directory.join("pause");
        let mode = std::fs::metadata(&path).expect("it is in the archive").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let mut child = Command::new(&path).spawn().expect("it can be run");
        std::thread::sleep(Duration::from_millis(1_500));
        assert_eq!(child.try_wait().expect("it is a child"), None);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        std::fs::remove_dir_all(&directory).expect("it is ours");
    }
}

//! Container definitions and volumes: the content of a task definition.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use std::collections::BTreeMap;

use super::shared::KeyValuePair;
use crate::Str;

super::shapes! {
    ContainerDefinition {
        name: Str,
        image: Str,
        repository_credentials: RepositoryCredentials,
        cpu: i32,
        memory: i32,
        memory_reservation: i32,
        links: Vec<Str>,
        port_mappings: Vec<PortMapping>,
        essential: bool,
        restart_policy: ContainerRestartPolicy,
        entry_point: Vec<Str>,
        command: Vec<Str>,
        environment: Vec<KeyValuePair>,
        environment_files: Vec<EnvironmentFile>,
        mount_points: Vec<MountPoint>,
        volumes_from: Vec<VolumeFrom>,
        linux_parameters: LinuxParameters,
        secrets: Vec<Secret>,
        depends_on: Vec<ContainerDependency>,
        start_timeout: i32,
        stop_timeout: i32,
        version_consistency: Str,
        hostname: Str,
        user: Str,
        working_directory: Str,
        disable_networking: bool,
        privileged: bool,
        readonly_root_filesystem: bool,
        dns_servers: Vec<Str>,
        dns_search_domains: Vec<Str>,
        extra_hosts: Vec<HostEntry>,
        docker_security_options: Vec<Str>,
        interactive: bool,
        pseudo_terminal: bool,
        docker_labels: BTreeMap<Str, Str>,
        ulimits: Vec<Ulimit>,
        log_configuration: LogConfiguration,
        health_check: HealthCheck,
        system_controls: Vec<SystemControl>,
        resource_requirements: Vec<ResourceRequirement>,
        firelens_configuration: FirelensConfiguration,
        credential_specs: Vec<Str>,
    }

    RepositoryCredentials {
        credentials_parameter: Str,
    }

    PortMapping {
        container_port: i32,
        host_port: i32,
        protocol: Str,
        name: Str,
        app_protocol: Str,
        container_port_range: Str,
    }

    ContainerRestartPolicy {
        enabled: bool,
        ignored_exit_codes: Vec<i32>,
        restart_attempt_period: i32,
    }

    EnvironmentFile {
        value: Str,
        #[serde(rename = "type")]
        kind: Str,
    }

    MountPoint {
        source_volume: Str,
        container_path: Str,
        read_only: bool,
    }

    VolumeFrom {
        source_container: Str,
        read_only: bool,
    }

    LinuxParameters {
        capabilities: KernelCapabilities,
        devices: Vec<Device>,
        init_process_enabled: bool,
        shared_memory_size: i32,
        tmpfs: Vec<Tmpfs>,
        max_swap: i32,
        swappiness: i32,
    }

    KernelCapabilities {
        add: Vec<Str>,
        drop: Vec<Str>,
    }

    Device {
        host_path: Str,
        container_path: Str,
        permissions: Vec<Str>,
    }

    Tmpfs {
        container_path: Str,
        size: i32,
        mount_options: Vec<Str>,
    }

    Secret {
        name: Str,
        value_from: Str,
    }

    ContainerDependency {
        container_name: Str,
        condition: Str,
    }

    HostEntry {
        hostname: Str,
        ip_address: Str,
    }

    Ulimit {
        name: Str,
        soft_limit: i32,
        hard_limit: i32,
    }

    LogConfiguration {
        log_driver: Str,
        options: BTreeMap<Str, Str>,
        secret_options: Vec<Secret>,
    }

    HealthCheck {
        command: Vec<Str>,
        interval: i32,
        timeout: i32,
        retries: i32,
        start_period: i32,
    }

    SystemControl {
        namespace: Str,
        value: Str,
    }

    ResourceRequirement {
        value: Str,
        #[serde(rename = "type")]
        kind: Str,
        sharing_strategy: SharingStrategy,
    }

    SharingStrategy {
        nvidia_mps: NvidiaMpsAllocation,
    }

    NvidiaMpsAllocation {
        memory: i32,
        max_compute_percent: i32,
    }

    FirelensConfiguration {
        #[serde(rename = "type")]
        kind: Str,
        options: BTreeMap<Str, Str>,
    }

    Volume {
        name: Str,
        host: HostVolumeProperties,
        docker_volume_configuration: DockerVolumeConfiguration,
        efs_volume_configuration: EFSVolumeConfiguration,
        s3files_volume_configuration: S3FilesVolumeConfiguration,
        fsx_windows_file_server_volume_configuration: FSxWindowsFileServerVolumeConfiguration,
        configured_at_launch: bool,
    }

    HostVolumeProperties {
        source_path: Str,
    }

    DockerVolumeConfiguration {
        scope: Str,
        autoprovision: bool,
        driver: Str,
        driver_opts: BTreeMap<Str, Str>,
        labels: BTreeMap<Str, Str>,
    }

    EFSVolumeConfiguration {
        file_system_id: Str,
        root_directory: Str,
        transit_encryption: Str,
        transit_encryption_port: i32,
        authorization_config: EFSAuthorizationConfig,
    }

    EFSAuthorizationConfig {
        access_point_id: Str,
        iam: Str,
    }

    S3FilesVolumeConfiguration {
        file_system_arn: Str,
        root_directory: Str,
        transit_encryption_port: i32,
        access_point_arn: Str,
    }

    FSxWindowsFileServerVolumeConfiguration {
        file_system_id: Str,
        root_directory: Str,
        authorization_config: FSxWindowsFileServerAuthorizationConfig,
    }

    FSxWindowsFileServerAuthorizationConfig {
        credentials_parameter: Str,
        domain: Str,
    }
}

impl ContainerDefinition {
    /// Names of the containers that must have started before this one can be made, whatever it depends on by condition:
    /// those that it links to and those whose volumes it mounts. Source: amazon-ecs-agent, where both are resolved first.
    pub fn made_after(&self) -> impl Iterator<Item = &str> {
        let links = self.links.iter().flatten();
        let linked = links.map(|link| link.split_once(':').map_or(&**link, |(name, _)| name));
        let from = self.volumes_from.iter().flatten();
        linked.chain(from.filter_map(|from| from.source_container.as_deref()))
    }
}

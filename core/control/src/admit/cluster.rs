//! Clusters. Source: ECS API reference, the operations of the same names.

use std::ops::Bound;
use std::sync::Arc;

use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::shape::cluster as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, limits};

use super::page::Page;
use super::{
    Answer, Context, capacity_provider, cluster_name, cluster_not_found, cluster_rules, has,
    include, is_name, tag,
};
use crate::cluster_state::ClusterState;
use crate::expiry::{retire_cluster, revive_cluster};
use crate::record::{Cluster, ClusterStatus};
use crate::setting::{SettingName, Settings, container_insights, root};
use crate::show::{self, ClusterInclude};
use crate::state::State;

/// Returns an ACTIVE cluster of that name unchanged and recreates an INACTIVE one. Settings that
/// the request omits default to the account's settings.
pub(super) fn create(at: &mut Context<'_>, request: shape::CreateClusterRequest) -> Answer {
    let name = request.cluster_name.unwrap_or_else(|| "default".into());
    if !is_name(&name) {
        return Err(ApiError::invalid("Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$"));
    }
    let providers = request.capacity_providers.unwrap_or_default();
    let strategy = request.default_capacity_provider_strategy.unwrap_or_default();
    capacity_provider::check(&providers, &strategy)?;
    let given = request.settings.unwrap_or_default();
    cluster_rules::settings(&given)?;
    cluster_rules::configuration(request.configuration.as_ref())?;
    let namespace = cluster_rules::namespace(request.service_connect_defaults.as_ref())?;
    let tags = tag::read(request.tags.as_deref().unwrap_or_default())?;
    let state = &mut at.control.state;
    let known = state.cluster(at.realm, &name).map(|cluster| cluster.record.clone());
    if known.as_ref().is_none_or(|cluster| cluster.status == ClusterStatus::Inactive) {
        check_room(state, at.realm)?;
        let root = root(at.realm);
        let nothing = Settings::default();
        let account = state.regional(at.realm).map_or(&nothing, |all| &all.settings);
        let insights = account.effective(&root, &root, SettingName::ContainerInsights);
        let mut record = Cluster {
            realm: at.realm.clone(),
            name: name.clone(),
            arn: at.realm.arn(format_args!("cluster/{name}")),
            status: ClusterStatus::Active,
            inactive_at: None,
            settings: vec![container_insights(insights)],
            configuration: request.configuration,
            namespace: namespace.filter(|name| !name.is_empty()),
            capacity_providers: providers,
            capacity_strategy: strategy,
            tags,
        };
        set(&mut record, given);
        let record = Arc::new(record);
        if let Some(gone_at) = known.and_then(|known| known.inactive_at) {
            revive_cluster(state, at.realm, &name, gone_at);
        }
        let clusters = &mut state.regional_mut(at.realm).clusters;
        // Stopped tasks of the earlier cluster of this name stay visible.
        match clusters.get_mut(&name) {
            Some(cluster) => cluster.record = record,
            None => drop(clusters.insert(name.clone(), ClusterState::new(record))),
        }
        at.control.state.changed_clusters.insert((at.realm.clone(), name.clone()));
    }
    let everything =
        ClusterInclude { settings: true, tags: true, configurations: true, ..Default::default() };
    respond(at, &name, everything, |cluster| {
        show::body(&shape::CreateClusterResponse { cluster: Some(cluster) })
    })
}

/// Checks that the realm has room for another cluster; deleted clusters do not count.
fn check_room(state: &State, realm: &Realm) -> Result<(), ApiError> {
    let regional = state.regional(realm);
    let active = regional.map_or(0, |all| all.clusters.len() - all.gone.len());
    if active >= limits::CLUSTERS_MAX {
        let text = "The limit of 10,000 clusters has been reached.";
        return Err(ApiError::client(text));
    }
    super::check_realms(state, realm)
}

fn respond(
    at: &mut Context<'_>,
    name: &str,
    include: ClusterInclude,
    reply: impl FnOnce(shape::Cluster) -> crate::machine::Reply,
) -> Answer {
    let cluster = at.control.state.cluster_mut(at.realm, name).ok_or_else(cluster_not_found)?;
    Ok(reply(show::cluster(cluster, include)))
}

pub(super) fn update(at: &mut Context<'_>, request: shape::UpdateClusterRequest) -> Answer {
    cluster_rules::settings(request.settings.as_deref().unwrap_or_default())?;
    cluster_rules::configuration(request.configuration.as_ref())?;
    let namespace = cluster_rules::namespace(request.service_connect_defaults.as_ref())?;
    change(at, request.cluster.as_ref(), |record| {
        if let Some(settings) = request.settings {
            set(record, settings);
        }
        if request.configuration.is_some() {
            record.configuration = request.configuration;
        }
        if let Some(namespace) = namespace {
            record.namespace = Some(namespace).filter(|name| !name.is_empty());
        }
    })
}

pub(super) fn update_settings(
    at: &mut Context<'_>,
    request: shape::UpdateClusterSettingsRequest,
) -> Answer {
    let Some(settings) = request.settings else {
        return Err(ApiError::invalid("Settings can not be blank."));
    };
    cluster_rules::settings(&settings)?;
    change(at, request.cluster.as_ref(), |record| set(record, settings))
}

pub(super) fn put_providers(
    at: &mut Context<'_>,
    request: shape::PutClusterCapacityProvidersRequest,
) -> Answer {
    let (Some(providers), Some(strategy)) =
        (request.capacity_providers, request.default_capacity_provider_strategy)
    else {
        return Err(ApiError::invalid(
            "capacityProviders and defaultCapacityProviderStrategy must be given; both may be empty.",
        ));
    };
    capacity_provider::check(&providers, &strategy)?;
    change(at, request.cluster.as_ref(), |record| {
        (record.capacity_providers, record.capacity_strategy) = (providers, strategy);
    })
}

/// Each new setting replaces the existing one of the same name.
fn set(record: &mut Cluster, settings: Vec<shape::ClusterSetting>) {
    for new in settings {
        record.settings.retain(|held| held.name != new.name);
        record.settings.push(new);
    }
}

/// Changes an ACTIVE cluster and returns it.
fn change(
    at: &mut Context<'_>,
    given: Option<&longshore_wire_ecs::Str>,
    how: impl FnOnce(&mut Cluster),
) -> Answer {
    if given.is_none() {
        return Err(ApiError::invalid("Cluster can not be blank."));
    }
    let name = cluster_name(at.realm, given)?;
    how(Arc::make_mut(&mut super::cluster(&mut at.control.state, at.realm, given)?.record));
    at.control.state.changed_clusters.insert((at.realm.clone(), name.clone()));
    let everything =
        ClusterInclude { settings: true, tags: true, configurations: true, ..Default::default() };
    respond(at, &name, everything, |cluster| {
        show::body(&shape::UpdateClusterResponse { cluster: Some(cluster) })
    })
}

pub(super) fn delete(at: &mut Context<'_>, request: &shape::DeleteClusterRequest) -> Answer {
    if request.cluster.is_none() {
        return Err(ApiError::invalid("Cluster can not be blank."));
    }
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let cluster = at.control.state.cluster_mut(at.realm, &name).ok_or_else(cluster_not_found)?;
    if cluster.record.status == ClusterStatus::Inactive {
        // Source: the API model marks this operation as idempotent, so a deleted cluster is
        // returned again.
        return respond(at, &name, ClusterInclude::default(), |cluster| {
            show::body(&shape::DeleteClusterResponse { cluster: Some(cluster) })
        });
    }
    if cluster.registered > 0 {
        return Err(ApiError::new(
            ErrorCode::ClusterContainsContainerInstances,
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        ));
    }
    if cluster.active_services + cluster.draining_services > 0 {
        return Err(ApiError::new(
            ErrorCode::ClusterContainsServices,
            "The Cluster cannot be deleted while Services are active.",
        ));
    }
    if cluster.running_count + cluster.pending_count > 0 {
        return Err(ApiError::new(
            ErrorCode::ClusterContainsTasks,
            "The Cluster cannot be deleted while Tasks are active.",
        ));
    }
    let record = Arc::make_mut(&mut cluster.record);
    (record.status, record.inactive_at) = (ClusterStatus::Inactive, Some(at.now));
    at.control.state.changed_clusters.insert((at.realm.clone(), name.clone()));
    let answer = respond(at, &name, ClusterInclude::default(), |cluster| {
        show::body(&shape::DeleteClusterResponse { cluster: Some(cluster) })
    });
    retire_cluster(&mut at.control.state, at.now, at.realm, &name, at.now);
    answer
}

pub(super) fn describe(at: &mut Context<'_>, request: &shape::DescribeClustersRequest) -> Answer {
    let words = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"];
    let words = include(request.include.as_ref(), &words)?;
    let include = ClusterInclude {
        attachments: has(&words, "ATTACHMENTS"),
        configurations: has(&words, "CONFIGURATIONS"),
        settings: has(&words, "SETTINGS"),
        statistics: has(&words, "STATISTICS"),
        tags: has(&words, "TAGS"),
    };
    let usual = ["default".into()];
    let asked = request.clusters.as_deref().filter(|asked| !asked.is_empty()).unwrap_or(&usual);
    if asked.len() > limits::DESCRIBE_IDS_MAX {
        return Err(ApiError::invalid("clusters can have at most 100 entries."));
    }
    if asked.iter().any(|name| name.trim().is_empty()) {
        return Err(ApiError::invalid("Clusters can not be blank."));
    }
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let name = cluster_name(at.realm, Some(given));
        let known =
            name.as_ref().ok().and_then(|name| at.control.state.cluster_mut(at.realm, name));
        match known {
            Some(cluster) => clusters.push(show::cluster(cluster, include)),
            None if given.starts_with("arn:") => {
                failures.push(show::failure(given.clone(), "MISSING"));
            }
            None => {
                let arn = at.realm.arn(format_args!("cluster/{given}"));
                failures.push(show::failure(arn, "MISSING"));
            }
        }
    }
    Ok(show::body(&shape::DescribeClustersResponse {
        clusters: Some(clusters),
        failures: Some(failures),
    }))
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListClustersRequest) -> Answer {
    let page = Page::read('c', request.next_token.as_ref(), request.max_results)?;
    let regional = at.control.state.regional(at.realm);
    let from = page.after().map_or(Bound::Unbounded, Bound::Excluded);
    let clusters =
        regional.into_iter().flat_map(|all| all.clusters.range::<str, _>((from, Bound::Unbounded)));
    let active = clusters.filter(|(_, cluster)| cluster.record.status == ClusterStatus::Active);
    let (arns, next_token) =
        page.take(active.map(|(name, cluster)| (name.to_string(), cluster.record.arn.clone())));
    Ok(show::body(&shape::ListClustersResponse { cluster_arns: Some(arns), next_token }))
}

//! The two capacity providers that every account has, `FARGATE` and `FARGATE_SPOT`. Source: ECS API
//! reference.
//!
//! Clusters may name them so that tools that set them work. Tasks run on EC2 instances regardless.

use longshore_wire_ecs::shape::cluster as shape;
use longshore_wire_ecs::shape::shared::CapacityProviderStrategyItem;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::page::Page;
use super::{Answer, Context, cluster, include};
use crate::show;

/// The built-in providers, sorted by name.
const BUILT_IN: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// Checks the providers and strategy requested for a cluster.
pub(super) fn check(
    providers: &[Str],
    strategy: &[CapacityProviderStrategyItem],
) -> Result<(), ApiError> {
    if providers.len() > limits::STRATEGY_PROVIDERS_MAX {
        return Err(ApiError::invalid("A cluster can have at most 20 capacity providers."));
    }
    if providers.iter().any(|name| !BUILT_IN.contains(&&**name)) {
        return Err(ApiError::invalid(
            "The specified capacity provider was not found. Longshore has only FARGATE and FARGATE_SPOT.",
        ));
    }
    if strategy.len() > limits::STRATEGY_PROVIDERS_MAX {
        return Err(ApiError::invalid("A strategy can have at most 20 capacity providers."));
    }
    for item in strategy {
        let name = item.capacity_provider.as_deref().unwrap_or_default();
        if !providers.iter().any(|provider| &**provider == name) {
            return Err(ApiError::invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
            ));
        }
        let within = |given: Option<i32>, most: i32| (0..=most).contains(&given.unwrap_or(0));
        if !within(item.base, limits::STRATEGY_BASE_MAX)
            || !within(item.weight, limits::STRATEGY_WEIGHT_MAX)
        {
            return Err(ApiError::invalid(
                "base should be between 0 and 100000, and weight between 0 and 1000",
            ));
        }
    }
    if strategy.iter().filter(|item| item.base.is_some_and(|base| base > 0)).count() > 1 {
        return Err(ApiError::invalid(
            "The specified capacity provider strategy contains multiple capacity providers with a base value defined. Only one capacity provider per strategy can have a base value defined.",
        ));
    }
    Ok(())
}

pub(super) fn describe(
    at: &mut Context<'_>,
    request: &shape::DescribeCapacityProvidersRequest,
) -> Answer {
    let most = limits::CAPACITY_PROVIDERS_PAGE_ENTRIES_MAX;
    let page = Page::read_up_to('p', request.next_token.as_ref(), request.max_results, most)?;
    include(request.include.as_ref(), &["TAGS"])?;
    let of_cluster = match &request.cluster {
        None => None,
        given => {
            let cluster = cluster(&mut at.control.state, at.realm, given.as_ref())?;
            Some(cluster.record.capacity_providers.clone())
        }
    };
    let associated = |name: &str| {
        of_cluster.as_ref().is_none_or(|all| all.iter().any(|provider| **provider == *name))
    };
    let asked = request.capacity_providers.as_deref().unwrap_or_default();
    if asked.len() > limits::DESCRIBE_IDS_MAX {
        return Err(ApiError::invalid("capacityProviders can have at most 100 entries."));
    }
    let realm = at.realm;
    let arn = |name: &str| realm.arn(format_args!("capacity-provider/{name}"));
    let is = |given: &Str, name: &str| &**given == name || *given == arn(name);
    let known = BUILT_IN.into_iter().filter(|name| {
        page.after().is_none_or(|after| *name > after)
            && associated(name)
            && (asked.is_empty() || asked.iter().any(|given| is(given, name)))
    });
    let shown = known.map(|name| {
        let provider = shape::CapacityProvider {
            capacity_provider_arn: Some(arn(name)),
            name: Some(name.into()),
            status: Some("ACTIVE".into()),
            tags: Some(Vec::new()),
            kind: Some(name.into()),
        };
        (name.to_owned(), provider)
    });
    let (capacity_providers, next_token) = page.take(shown);
    let missing = asked
        .iter()
        .filter(|given| !BUILT_IN.iter().any(|name| associated(name) && is(given, name)));
    let failures = missing.map(|given| {
        let named = given.starts_with("arn:");
        show::failure(if named { given.clone() } else { arn(given) }, "MISSING")
    });
    Ok(show::body(&shape::DescribeCapacityProvidersResponse {
        capacity_providers: Some(capacity_providers),
        failures: Some(failures.collect()),
        next_token,
    }))
}

//! Account settings. Longshore has the ones that ECS has today and none can be changed yet, so that what is listed is
//! what holds. Source: ECS API reference, `ListAccountSettings`.

use longshore_wire_ecs::shape::tag as shape;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::Answer;
use super::page::Page;
use crate::show;

/// Name and value of each setting.
const SETTINGS: [(&str, &str); 11] = [
    ("awsvpcTrunking", "disabled"),
    ("containerInsights", "disabled"),
    ("containerInstanceLongArnFormat", "enabled"),
    ("defaultLogDriverMode", "non-blocking"),
    ("fargateEventWindows", "disabled"),
    ("fargateFIPSMode", "disabled"),
    ("fargateTaskRetirementWaitPeriod", "7"),
    ("guardDutyActivate", "off"),
    ("serviceLongArnFormat", "enabled"),
    ("tagResourceAuthorization", "off"),
    ("taskLongArnFormat", "enabled"),
];

pub(super) fn list(request: &shape::ListAccountSettingsRequest) -> Answer {
    let most = limits::SETTINGS_PAGE_ENTRIES_MAX;
    let page = Page::read_up_to('s', request.next_token.as_ref(), request.max_results, most)?;
    let (name, value) = (request.name.as_deref(), request.value.as_deref());
    if name.is_none() && value.is_some() {
        return Err(ApiError::invalid("name must be given when value is given."));
    }
    if name.is_some_and(|name| SETTINGS.iter().all(|(known, _)| *known != name)) {
        let names: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
        return Err(ApiError::invalid(format!("name should be one of [{}]", names.join(","))));
    }
    // Only settings that someone set are listed, unless those in effect are asked for. Nobody can set any.
    let effective = request.effective_settings == Some(true);
    let listed = SETTINGS.iter().filter(|(known, set)| {
        effective
            && name.is_none_or(|name| name == *known)
            && value.is_none_or(|value| value == *set)
            && page.after().is_none_or(|after| *known > after)
    });
    let principal: Option<Str> = request.principal_arn.clone();
    let (settings, next_token) = page.take(listed.map(|(name, value)| {
        let setting = shape::Setting {
            name: Some((*name).into()),
            value: Some((*value).into()),
            principal_arn: principal.clone(),
            ..Default::default()
        };
        ((*name).to_owned(), setting)
    }));
    Ok(show::body(&shape::ListAccountSettingsResponse { settings: Some(settings), next_token }))
}

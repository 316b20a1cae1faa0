//! Account settings. Source: ECS API reference, the operations of the same names.
//!
//! `containerInsights` is the default for new clusters, and the three about ARNs decide which form those of new resources have.
//! The others are stored and shown and have nothing to act on here: there is no Fargate, no network interface, no IAM, and no
//! log driver that a container could wait for.

use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::shape::tag as shape;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::page::Page;
use super::{Answer, Context};
use crate::limits::{ACCOUNT_SETTINGS_MAX, PRINCIPAL_ARN_CHARS_MAX};
use crate::setting::{Rule, SettingName, Settings, root};
use crate::show;

pub(super) fn put(at: &mut Context<'_>, request: &shape::PutAccountSettingRequest) -> Answer {
    let principal = principal(at.realm, request.principal_arn.as_ref())?;
    let setting = set(at, request.name.as_ref(), request.value.as_ref(), principal)?;
    Ok(show::body(&shape::PutAccountSettingResponse { setting: Some(setting) }))
}

/// The account's default is the setting of its root user.
pub(super) fn put_default(
    at: &mut Context<'_>,
    request: &shape::PutAccountSettingDefaultRequest,
) -> Answer {
    let principal = root(at.realm);
    let setting = set(at, request.name.as_ref(), request.value.as_ref(), principal)?;
    Ok(show::body(&shape::PutAccountSettingDefaultResponse { setting: Some(setting) }))
}

/// Source: AWS replies reported by Terraform users: the message, and that long ARNs can be enabled
/// repeatedly.
fn set(
    at: &mut Context<'_>,
    name: Option<&Str>,
    value: Option<&Str>,
    principal: Str,
) -> Result<shape::Setting, ApiError> {
    let name = setting_name(name)?;
    let value = value.map(|value| &**value).unwrap_or_default();
    let invalid = || ApiError::invalid("Invalid setting 'value'");
    let value = match name.rule() {
        Rule::ReadOnly => {
            return Err(ApiError::invalid(format!(
                "The setting {} is managed by AWS and cannot be changed.",
                name.word()
            )));
        }
        Rule::OneOf(values) => {
            *values.iter().find(|allowed| **allowed == value).ok_or_else(invalid)?
        }
    };
    super::check_realms(&at.control.state, at.realm)?;
    let settings = &mut at.control.state.regional_mut(at.realm).settings;
    if settings.own(&principal, name).is_none() && settings.len() >= ACCOUNT_SETTINGS_MAX {
        return Err(ApiError::client(format!(
            "At most {ACCOUNT_SETTINGS_MAX} account settings can be set in a region."
        )));
    }
    settings.put(principal.clone(), name, value.into());
    let key = (at.realm.clone(), principal.clone(), name);
    at.control.state.changed_settings.insert(key);
    Ok(shown(name, value.into(), principal))
}

/// Deleting a setting that was never set is not an error and returns the value in effect. Chosen by
/// us; the documents do not say.
pub(super) fn delete(at: &mut Context<'_>, request: &shape::DeleteAccountSettingRequest) -> Answer {
    let name = setting_name(request.name.as_ref())?;
    let principal = principal(at.realm, request.principal_arn.as_ref())?;
    let root = root(at.realm);
    let state = &mut at.control.state;
    let own = state.realms.get_mut(at.realm).and_then(|all| all.settings.remove(&principal, name));
    let value = if let Some(value) = own {
        state.changed_settings.insert((at.realm.clone(), principal.clone(), name));
        state.drop_if_empty(at.realm);
        value
    } else {
        // Reads do not create state for an account.
        let nothing = Settings::default();
        let settings = state.regional(at.realm).map_or(&nothing, |all| &all.settings);
        settings.effective(&root, &principal, name)
    };
    let setting = shown(name, value, principal);
    Ok(show::body(&shape::DeleteAccountSettingResponse { setting: Some(setting) }))
}

/// The settings of a principal, or all settings in effect for it.
pub(super) fn list(at: &Context<'_>, request: &shape::ListAccountSettingsRequest) -> Answer {
    let most = limits::SETTINGS_PAGE_ENTRIES_MAX;
    let page = Page::read_up_to('k', request.next_token.as_ref(), request.max_results, most)?;
    if request.name.is_none() && request.value.is_some() {
        return Err(ApiError::invalid("name must be given when value is given."));
    }
    let wanted = request.name.as_ref().map(|name| setting_name(Some(name))).transpose()?;
    let principal = principal(at.realm, request.principal_arn.as_ref())?;
    let root = root(at.realm);
    // Reads do not create state for an account.
    let nothing = Settings::default();
    let settings = at.control.state.realms.get(at.realm).map_or(&nothing, |all| &all.settings);
    let effective = request.effective_settings == Some(true);
    let value_of = |name: SettingName| {
        if effective {
            Some(settings.effective(&root, &principal, name))
        } else {
            settings.own(&principal, name).cloned()
        }
    };
    let listed = SettingName::ALL.into_iter().filter(|name| {
        wanted.is_none_or(|wanted| wanted == *name)
            && page.after().is_none_or(|after| name.word() > after)
    });
    let listed = listed.filter_map(|name| Some((name, value_of(name)?)));
    let listed = listed.filter(|(_, value)| request.value.as_ref().is_none_or(|one| one == value));
    let (settings, next_token) = page.take(
        listed.map(|(name, value)| (name.word().to_owned(), shown(name, value, principal.clone()))),
    );
    Ok(show::body(&shape::ListAccountSettingsResponse { settings: Some(settings), next_token }))
}

fn shown(name: SettingName, value: Str, principal: Str) -> shape::Setting {
    let kind = if name.rule() == Rule::ReadOnly { "aws_managed" } else { "user" };
    shape::Setting {
        name: Some(name.word().into()),
        value: Some(value),
        principal_arn: Some(principal),
        kind: Some(kind.into()),
    }
}

fn setting_name(given: Option<&Str>) -> Result<SettingName, ApiError> {
    SettingName::parse(given.map(|name| &**name).unwrap_or_default()).ok_or_else(|| {
        let names = SettingName::ALL.map(SettingName::word).join(",");
        ApiError::invalid(format!("name should be one of [{names}]"))
    })
}

/// The principal of a setting: the root user, or the named user or role of the account. Message
/// chosen by us.
fn principal(realm: &Realm, given: Option<&Str>) -> Result<Str, ApiError> {
    let Some(given) = given else { return Ok(root(realm)) };
    let rest = given.strip_prefix(&*format!("arn:{}:iam::{}:", realm.partition(), realm.account));
    let valid = rest.is_some_and(|rest| {
        let named = rest.strip_prefix("user/").or_else(|| rest.strip_prefix("role/"));
        rest == "root" || named.is_some_and(|name| !name.is_empty())
    });
    if valid && given.chars().count() <= PRINCIPAL_ARN_CHARS_MAX {
        return Ok(given.clone());
    }
    Err(ApiError::invalid(format!(
        "principalArn must be the ARN of the root user, a user or a role of account {}.",
        realm.account
    )))
}

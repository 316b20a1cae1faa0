//! Account settings: which there are, what they may be, and whose they are.
//!
//! Source: ECS API reference, `PutAccountSetting`. The settings of the root user are the defaults of the account; a user or role
//! may have others. Longshore takes every caller for the root user.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::shape::cluster::ClusterSetting;
use serde::{Deserialize, Serialize};

use crate::record::words;

words! {
    /// The name of a setting.
    SettingName {
        /// More network interfaces for instances; there are none here.
        AwsvpcTrunking = "awsvpcTrunking",
        /// Whether new clusters are measured by Container Insights.
        ContainerInsights = "containerInsights",
        /// The format of ARNs of new container instances.
        ContainerInstanceLongArnFormat = "containerInstanceLongArnFormat",
        /// What a log driver does that cannot keep up.
        DefaultLogDriverMode = "defaultLogDriverMode",
        /// When tasks on Fargate may be retired.
        FargateEventWindows = "fargateEventWindows",
        /// Certified cryptography on Fargate.
        FargateFipsMode = "fargateFIPSMode",
        /// Days until a task on Fargate is retired.
        FargateTaskRetirementWaitPeriod = "fargateTaskRetirementWaitPeriod",
        /// Whether `GuardDuty` watches. It alone sets this.
        GuardDutyActivate = "guardDutyActivate",
        /// The format of ARNs of new services.
        ServiceLongArnFormat = "serviceLongArnFormat",
        /// Whether tags that are given at creation need a permission of their own.
        TagResourceAuthorization = "tagResourceAuthorization",
        /// The format of ARNs of new tasks.
        TaskLongArnFormat = "taskLongArnFormat",
    }
}

/// How a setting can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// To one of these values.
    OneOf(&'static [&'static str]),
    /// On only: long ARNs cannot be turned off since April 2021.
    AlwaysOn,
    /// By AWS alone.
    ReadOnly,
}

impl SettingName {
    /// Every setting, in the order of the names.
    pub(crate) const ALL: [Self; 11] = [
        Self::AwsvpcTrunking,
        Self::ContainerInsights,
        Self::ContainerInstanceLongArnFormat,
        Self::DefaultLogDriverMode,
        Self::FargateEventWindows,
        Self::FargateFipsMode,
        Self::FargateTaskRetirementWaitPeriod,
        Self::GuardDutyActivate,
        Self::ServiceLongArnFormat,
        Self::TagResourceAuthorization,
        Self::TaskLongArnFormat,
    ];

    /// What holds for an account that has set nothing. Source: ECS developer guide, *Account settings*.
    pub(crate) fn default_value(self) -> &'static str {
        match self {
            Self::DefaultLogDriverMode => "non-blocking",
            Self::FargateTaskRetirementWaitPeriod => "7",
            Self::GuardDutyActivate | Self::TagResourceAuthorization => "off",
            _ if self.rule() == Rule::AlwaysOn => "enabled",
            _ => "disabled",
        }
    }

    /// How it can be set. Source: ECS API reference, `PutAccountSetting`.
    pub(crate) fn rule(self) -> Rule {
        match self {
            Self::AwsvpcTrunking | Self::FargateEventWindows | Self::FargateFipsMode => {
                Rule::OneOf(&["enabled", "disabled"])
            }
            Self::ContainerInsights => Rule::OneOf(&["enabled", "disabled", "enhanced"]),
            Self::DefaultLogDriverMode => Rule::OneOf(&["blocking", "non-blocking"]),
            Self::FargateTaskRetirementWaitPeriod => Rule::OneOf(&["0", "7", "14"]),
            Self::TagResourceAuthorization => Rule::OneOf(&["on", "off"]),
            Self::GuardDutyActivate => Rule::ReadOnly,
            Self::ContainerInstanceLongArnFormat
            | Self::ServiceLongArnFormat
            | Self::TaskLongArnFormat => Rule::AlwaysOn,
        }
    }
}

/// What the principals of an account have set in a region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    set: BTreeMap<(Str, SettingName), Str>,
}

impl Settings {
    /// What a principal has set itself.
    pub(crate) fn own(&self, principal: &Str, name: SettingName) -> Option<&Str> {
        self.set.get(&(principal.clone(), name))
    }

    /// What holds for a principal: what it has set, or else what `root` has, or else what everybody has.
    pub(crate) fn effective(&self, root: &Str, principal: &Str, name: SettingName) -> Str {
        let set = self.own(principal, name).or_else(|| self.own(root, name));
        set.cloned().unwrap_or_else(|| name.default_value().into())
    }

    pub(crate) fn put(&mut self, principal: Str, name: SettingName, value: Str) {
        self.set.insert((principal, name), value);
    }

    pub(crate) fn remove(&mut self, principal: &Str, name: SettingName) -> Option<Str> {
        self.set.remove(&(principal.clone(), name))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// How many have been set, by all principals.
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }
}

/// The setting of a cluster that says whether it is measured.
pub(crate) fn container_insights(value: Str) -> ClusterSetting {
    ClusterSetting { name: Some(SettingName::ContainerInsights.word().into()), value: Some(value) }
}

/// The ARN of an account's root user, who every caller is.
pub(crate) fn root(realm: &Realm) -> Str {
    format!("arn:{}:iam::{}:root", realm.partition(), realm.account).into()
}

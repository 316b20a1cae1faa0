//! Account settings: their names, valid values and owners.
//!
//! Source: ECS API reference, `PutAccountSetting`. The settings of the root user are the defaults
//! of the account; users and roles may override them. Longshore treats every caller as the root
//! user.
//!
//! AWS no longer lets an account turn long ARNs off. Here it can, as on AWS until March 2021: clients of that time know no
//! other ARNs than short ones.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{ArnFormat, Realm};
use longshore_wire_ecs::shape::cluster::ClusterSetting;
use serde::{Deserialize, Serialize};

use crate::record::words;

words! {
    /// The name of a setting.
    SettingName {
        /// More network interfaces per instance; there are none here.
        AwsvpcTrunking = "awsvpcTrunking",
        /// Whether Container Insights monitors new clusters.
        ContainerInsights = "containerInsights",
        /// The ARN format of new container instances.
        ContainerInstanceLongArnFormat = "containerInstanceLongArnFormat",
        /// What a log driver does when it cannot keep up.
        DefaultLogDriverMode = "defaultLogDriverMode",
        /// When tasks on Fargate may be retired.
        FargateEventWindows = "fargateEventWindows",
        /// Certified cryptography on Fargate.
        FargateFipsMode = "fargateFIPSMode",
        /// Days before a task on Fargate is retired.
        FargateTaskRetirementWaitPeriod = "fargateTaskRetirementWaitPeriod",
        /// Whether `GuardDuty` monitors. Only `GuardDuty` sets this.
        GuardDutyActivate = "guardDutyActivate",
        /// The ARN format of new services.
        ServiceLongArnFormat = "serviceLongArnFormat",
        /// Whether tagging on creation requires a permission of its own.
        TagResourceAuthorization = "tagResourceAuthorization",
        /// The ARN format of new tasks.
        TaskLongArnFormat = "taskLongArnFormat",
    }
}

/// How a setting can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// To one of these values.
    OneOf(&'static [&'static str]),
    /// Only by AWS.
    ReadOnly,
}

impl SettingName {
    /// Every setting, ordered by name.
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

    /// The value in effect if an account has set nothing. Source: ECS developer guide, *Account
    /// settings*.
    pub(crate) fn default_value(self) -> &'static str {
        match self {
            Self::DefaultLogDriverMode => "non-blocking",
            Self::FargateTaskRetirementWaitPeriod => "7",
            Self::GuardDutyActivate | Self::TagResourceAuthorization => "off",
            Self::ContainerInstanceLongArnFormat
            | Self::ServiceLongArnFormat
            | Self::TaskLongArnFormat => "enabled",
            _ => "disabled",
        }
    }

    /// How it can be set. Source: ECS API reference, `PutAccountSetting`.
    pub(crate) fn rule(self) -> Rule {
        match self {
            Self::AwsvpcTrunking
            | Self::ContainerInstanceLongArnFormat
            | Self::FargateEventWindows
            | Self::FargateFipsMode
            | Self::ServiceLongArnFormat
            | Self::TaskLongArnFormat => Rule::OneOf(&["enabled", "disabled"]),
            Self::ContainerInsights => Rule::OneOf(&["enabled", "disabled", "enhanced"]),
            Self::DefaultLogDriverMode => Rule::OneOf(&["blocking", "non-blocking"]),
            Self::FargateTaskRetirementWaitPeriod => Rule::OneOf(&["0", "7", "14"]),
            Self::TagResourceAuthorization => Rule::OneOf(&["on", "off"]),
            Self::GuardDutyActivate => Rule::ReadOnly,
        }
    }
}

/// The settings of an account's principals in a region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    set: BTreeMap<(Str, SettingName), Str>,
}

impl Settings {
    /// The value that a principal has set itself.
    pub(crate) fn own(&self, principal: &Str, name: SettingName) -> Option<&Str> {
        self.set.get(&(principal.clone(), name))
    }

    /// The value in effect for a principal: its own, else that of `root`, else the default.
    pub(crate) fn effective(&self, root: &Str, principal: &Str, name: SettingName) -> Str {
        let set = self.own(principal, name).or_else(|| self.own(root, name));
        set.cloned().unwrap_or_else(|| name.default_value().into())
    }

    /// The form of the ARNs of new resources, by the setting of their kind. Whoever asks counts as the root user.
    pub(crate) fn arns(&self, realm: &Realm, name: SettingName) -> ArnFormat {
        // Most accounts set nothing, and tasks are started often.
        if self.is_empty() {
            return ArnFormat::Long;
        }
        match self.own(&root(realm), name) {
            Some(value) if &**value == "disabled" => ArnFormat::Short,
            _ => ArnFormat::Long,
        }
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

    /// The number of settings across all principals.
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }
}

/// The cluster setting for Container Insights.
pub(crate) fn container_insights(value: Str) -> ClusterSetting {
    ClusterSetting { name: Some(SettingName::ContainerInsights.word().into()), value: Some(value) }
}

/// The ARN of an account's root user, which every caller is taken to be.
pub(crate) fn root(realm: &Realm) -> Str {
    format!("arn:{}:iam::{}:root", realm.partition(), realm.account).into()
}

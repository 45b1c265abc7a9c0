//! The attributes of an event, as far as they are written.

use std::borrow::Cow;

use serde::Serialize;
use tidegate_model::{SnapshotId, Verdict};

use crate::{Change, Waived};

/// The version of the schema.
pub(super) const VERSION: &str = "1.5.0";

#[derive(Serialize)]
pub(super) struct Event<'a> {
    pub(super) activity_id: u8,
    pub(super) activity_name: &'static str,
    pub(super) category_uid: u8,
    pub(super) category_name: &'static str,
    pub(super) class_uid: u16,
    pub(super) class_name: &'static str,
    pub(super) type_uid: u32,
    pub(super) type_name: &'static str,
    pub(super) time: i64,
    pub(super) time_dt: &'a str,
    pub(super) severity_id: u8,
    pub(super) severity: &'static str,
    pub(super) status_id: u8,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    pub(super) message: &'a str,
    pub(super) metadata: Metadata<'a>,
    pub(super) finding_info: Info<'a>,
    pub(super) compliance: Compliance<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remediation: Option<Remediation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resources: Option<[Resource<'a>; 1]>,
    pub(super) cloud: Cloud<'a>,
    pub(super) unmapped: Unmapped<'a>,
}

#[derive(Serialize)]
pub(super) struct Metadata<'a> {
    pub(super) version: &'static str,
    pub(super) product: Product<'a>,
    pub(super) profiles: [&'static str; 2],
    pub(super) uid: &'a str,
}

#[derive(Serialize)]
pub(super) struct Product<'a> {
    pub(super) name: &'static str,
    pub(super) vendor_name: &'static str,
    pub(super) version: &'a str,
}

#[derive(Serialize)]
pub(super) struct Info<'a> {
    pub(super) uid: &'a str,
    pub(super) title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) desc: &'a str,
    pub(super) last_seen_time: i64,
    pub(super) last_seen_time_dt: &'a str,
    pub(super) types: [&'a str; 1],
}

#[derive(Serialize)]
pub(super) struct Compliance<'a> {
    pub(super) standards: [&'a str; 1],
    pub(super) control: &'a str,
    pub(super) status: &'static str,
    pub(super) status_id: u8,
    pub(super) status_code: &'static str,
    pub(super) checks: [Check<'a>; 1],
}

#[derive(Serialize)]
pub(super) struct Check<'a> {
    pub(super) uid: &'a str,
    pub(super) name: &'a str,
    pub(super) status: &'static str,
    pub(super) status_id: u8,
    pub(super) severity_id: u8,
    pub(super) standards: [&'a str; 1],
}

#[derive(Serialize)]
pub(super) struct Remediation<'a> {
    pub(super) desc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) references: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
pub(super) struct Resource<'a> {
    pub(super) uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Cloud<'a> {
    pub(super) provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<Account<'a>>,
}

#[derive(Serialize)]
pub(super) struct Account<'a> {
    pub(super) uid: &'a str,
    pub(super) name: &'a str,
    pub(super) r#type: &'static str,
    pub(super) type_id: u8,
}

#[derive(Serialize)]
pub(super) struct Unmapped<'a> {
    pub(super) subject: &'a str,
    pub(super) snapshot: &'a SnapshotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) change: Option<Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) waiver: Option<&'a Waived>,
}

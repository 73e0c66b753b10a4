//! What a device says of itself.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::id::Id;
use crate::json::Json;
use crate::limits::{ITEMS, NAME_BYTES};
use crate::read::scalar;
use crate::text::cut;

/// The system information of a device. Whatever is missing or of the wrong kind is simply not known, so that a device
/// with an odd idea of its memory is still a device.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceInfo {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub device_id: Option<String>,
    /// `windows`, `linux`, `darwin` or `unknown`.
    #[serde(deserialize_with = "text")]
    pub platform: Option<String>,
    /// The version of its system.
    #[serde(deserialize_with = "text")]
    pub os_version: Option<String>,
    /// How many processors it has.
    #[serde(deserialize_with = "lenient")]
    pub cpu_count: Option<u32>,
    /// Its memory.
    #[serde(deserialize_with = "lenient")]
    pub memory_total_gb: Option<f64>,
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub hostname: Option<String>,
    /// Its address, as it sees it.
    #[serde(deserialize_with = "text")]
    pub ip_address: Option<String>,
    /// What it can do: `gui`, `cli`, `browser`, ...
    #[serde(deserialize_with = "texts")]
    pub supported_features: Vec<String>,
    /// `computer`, `mobile` or `unknown`.
    #[serde(deserialize_with = "text")]
    pub platform_type: Option<String>,
    /// The version of this form.
    #[serde(deserialize_with = "text")]
    pub schema_version: Option<String>,
    /// What an operator added.
    #[serde(deserialize_with = "lenient", skip_serializing_if = "Option::is_none")]
    pub custom_metadata: Option<Json>,
    /// Labels that an operator added.
    #[serde(deserialize_with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl DeviceInfo {
    /// The version that devices write today.
    pub const SCHEMA_VERSION: &str = "1.0";

    /// What this machine can say of itself without looking closely: its id, system, and processors.
    pub fn of_this_machine(device_id: &Id) -> Self {
        let platform = match std::env::consts::OS {
            "macos" => "darwin",
            known @ ("windows" | "linux") => known,
            _ => "unknown",
        };
        Self {
            device_id: Some(device_id.to_string()),
            platform: Some(platform.to_owned()),
            cpu_count: std::thread::available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok()),
            platform_type: Some("computer".to_owned()),
            schema_version: Some(Self::SCHEMA_VERSION.to_owned()),
            ..Self::default()
        }
    }

    /// Reads it; what is no object says nothing.
    pub fn read(info: &Json) -> Self {
        info.read().unwrap_or_default()
    }
}

/// A value of the wrong kind is none.
fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    Ok(serde_json::from_str::<Option<T>>(raw.get()).unwrap_or_default())
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(name(&Box::<RawValue>::deserialize(from)?))
}

fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let raws: Option<Vec<Box<RawValue>>> = lenient(from)?;
    Ok(raws.unwrap_or_default().iter().take(ITEMS).filter_map(|raw| name(raw)).collect())
}

fn name(raw: &RawValue) -> Option<String> {
    scalar(raw).map(|text| cut(&text, NAME_BYTES).to_owned())
}

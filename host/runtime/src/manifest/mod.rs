//! What people write about plugins: the manifest (`plugin.toml`) in which a plugin's author asks for something, and the
//! host's configuration (`hangar.toml`) in which an operator grants it. A plugin gets what stands in both.

mod capabilities;
mod configuration;
mod file_error;
mod files;
mod granted;
mod limit_requests;
#[cfg(test)]
mod mistakes;
mod names;
mod plugin_toml;
mod problems;
mod section;
mod settings;
mod terms;
mod unit;

pub use capabilities::Capabilities;
pub use configuration::{HostConfig, OnReload, PluginConfig, ShadowPolicy};
pub(crate) use file_error::read_bytes;
pub use file_error::{FileError, read_text};
pub use files::PluginFiles;
pub(crate) use files::{COMPONENTS, is_component, is_precompiled};
pub use granted::Granted;
pub use limit_requests::{LimitRequests, Shortfall};
pub use names::{Names, quoted};
pub use plugin_toml::{Manifest, Mode, check_id};
pub use problems::{Problem, TomlError, all_of, did_you_mean, one_of};
pub use section::{Document, Section, Value};
pub use settings::{Declaration, Declarations, Kind, SettingsError};
pub use terms::Terms;
pub use unit::Unit;

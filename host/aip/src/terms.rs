//! The words of the protocol, and the other spellings that are understood.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::limits::NAME_BYTES;
use crate::text::cut;

/// Declares a closed set of words with the spelling that is written.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $word,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// The canonical spelling.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }

            /// Finds a word by its canonical spelling.
            pub(crate) fn exact(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$word),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a client sends.
    ClientKind {
        /// Who it is; the first frame.
        Register = "register",
        /// That it is alive.
        Heartbeat = "heartbeat",
        /// What it wants to be done.
        Task = "task",
        /// What came of commands.
        CommandResults = "command_results",
        /// That a session is over, as the device sees it.
        TaskEnd = "task_end",
        /// What it wants to know of a device.
        DeviceInfoRequest = "device_info_request",
        /// What is new about the device that sends it.
        DeviceInfoResponse = "device_info_response",
        /// That something went wrong.
        Error = "error",
        /// That a binary frame follows.
        BinaryData = "binary_data",
        /// That a file follows, in chunks.
        FileTransferStart = "file_transfer_start",
        /// That all chunks were sent.
        FileTransferComplete = "file_transfer_complete",
    }
}

words! {
    /// What a server sends.
    ServerKind {
        /// That it has heard: a registration, a heartbeat, a task.
        Heartbeat = "heartbeat",
        /// A task that a device is to take up.
        Task = "task",
        /// That a session is over.
        TaskEnd = "task_end",
        /// What a device is to do.
        Command = "command",
        /// Reserved: no client answers it.
        DeviceInfoRequest = "device_info_request",
        /// What is known of a device.
        DeviceInfoResponse = "device_info_response",
        /// That something was refused or went wrong.
        Error = "error",
    }
}

words! {
    /// What a client is.
    ClientType {
        /// It carries out commands.
        Device = "device",
        /// It gives tasks to devices.
        Constellation = "constellation",
    }
}

words! {
    /// How a task, or the message about it, stands.
    TaskStatus {
        /// It goes on.
        Continue = "continue",
        /// It is done.
        Completed = "completed",
        /// It could not be done.
        Failed = "failed",
        /// All is well.
        Ok = "ok",
        /// Something is wrong.
        Error = "error",
    }
}

words! {
    /// What came of one command.
    ResultStatus {
        /// It was carried out.
        Success = "success",
        /// It was tried in vain.
        Failure = "failure",
        /// It was not tried, because one before it failed.
        Skipped = "skipped",
        /// Nothing is said.
        None = "none",
    }
}

words! {
    /// What a tool is for.
    ToolType {
        /// It does something.
        Action = "action",
        /// It looks at something.
        DataCollection = "data_collection",
    }
}

/// The bare word in what was sent: without blanks around it and without the name of its enum, in lower case, with `_` in
/// the place of `-` and blanks. What is far too long for a word is none.
pub(crate) fn word(text: &str) -> String {
    let text = text.trim();
    let after_dot = text.rsplit('.').next().unwrap_or(text);
    let bare = after_dot.rsplit("::").next().unwrap_or(after_dot).trim();
    if bare.len() > 64 {
        return String::new();
    }
    bare.chars().map(|each| if matches!(each, '-' | ' ') { '_' } else { each.to_ascii_lowercase() }).collect()
}

impl ClientKind {
    /// Reads it in any accepted spelling.
    pub fn read(text: &str) -> Option<Self> {
        let word = word(text);
        Some(match word.as_str() {
            "registration" | "register_device" | "device_register" => Self::Register,
            "heart_beat" | "heartbeat_ack" | "keepalive" => Self::Heartbeat,
            "task_request" | "task_assignment" => Self::Task,
            "command_result" | "results" | "result" => Self::CommandResults,
            "task_result" | "task_complete" | "task_completed" => Self::TaskEnd,
            "device_info" => Self::DeviceInfoRequest,
            _ => return Self::exact(&word),
        })
    }

    /// The status of a message that says none, or none that is known.
    pub(crate) const fn usual_status(self) -> TaskStatus {
        match self {
            Self::Task | Self::CommandResults => TaskStatus::Continue,
            Self::TaskEnd => TaskStatus::Completed,
            Self::Error => TaskStatus::Error,
            _ => TaskStatus::Ok,
        }
    }
}

impl ServerKind {
    /// Reads it in any accepted spelling.
    pub fn read(text: &str) -> Option<Self> {
        let word = word(text);
        Some(match word.as_str() {
            "heart_beat"
            | "heartbeat_ack"
            | "keepalive"
            | "register_confirm"
            | "register_confirmation"
            | "registration_ack" => Self::Heartbeat,
            "task_assignment" | "task_request" => Self::Task,
            "task_result" | "task_complete" | "task_completed" => Self::TaskEnd,
            "commands" => Self::Command,
            _ => return Self::exact(&word),
        })
    }

    /// The status of a message that says none, or none that is known.
    pub(crate) const fn usual_status(self) -> TaskStatus {
        match self {
            Self::Task | Self::Command => TaskStatus::Continue,
            Self::TaskEnd => TaskStatus::Completed,
            Self::Error => TaskStatus::Error,
            _ => TaskStatus::Ok,
        }
    }
}

impl ClientType {
    /// Reads it in any accepted spelling.
    pub fn read(text: &str) -> Option<Self> {
        match word(text).as_str() {
            "orchestrator" => Some(Self::Constellation),
            word => Self::exact(word),
        }
    }
}

impl TaskStatus {
    /// Reads it in any accepted spelling; `usual` is what the kind of message has when it says nothing.
    pub(crate) fn read(text: Option<&str>, usual: Self) -> Self {
        match text.map(word).as_deref() {
            Some("success" | "succeeded" | "done" | "finished") if usual == Self::Ok => Self::Ok,
            Some("success" | "succeeded" | "done" | "finished") => Self::Completed,
            Some("fail" | "failure") => Self::Failed,
            Some("running" | "in_progress" | "pending") => Self::Continue,
            Some(word) => Self::exact(word).unwrap_or(usual),
            None => usual,
        }
    }
}

impl ResultStatus {
    /// Reads it in any accepted spelling.
    pub fn read(text: &str) -> Option<Self> {
        match word(text).as_str() {
            "ok" | "completed" | "executed" => Some(Self::Success),
            "failed" | "error" => Some(Self::Failure),
            word => Self::exact(word),
        }
    }
}

impl ToolType {
    /// Reads it in any case, with or without the name of its enum.
    pub fn read(text: &str) -> Option<Self> {
        Self::exact(&word(text))
    }
}

/// What a device runs on: any word in lower case. `windows`, `linux` and `mobile` are those that clients know.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform(Box<str>);

impl Platform {
    /// Takes a platform in any case and under the other names that it has. Blank ones and `unknown` say nothing; what is
    /// longer than a name may be is cut.
    pub fn new(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|each| !each.is_control()).collect();
        let text = cut(text.trim(), NAME_BYTES).to_lowercase();
        match text.as_str() {
            "" | "unknown" => None,
            "win" | "win32" => Some(Self("windows".into())),
            "android" => Some(Self("mobile".into())),
            "darwin" | "osx" | "mac" => Some(Self("macos".into())),
            _ => Some(Self(text.into())),
        }
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `windows`, which the protocol takes where nothing is said.
impl Default for Platform {
    fn default() -> Self {
        Self("windows".into())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

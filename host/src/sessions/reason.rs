//! Why a session is cancelled: the word that behaviours are told, and the text for those who wait for its end.

/// Why a session is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The device that it runs on is gone.
    DeviceDisconnected,
    /// The constellation that asked for it is gone.
    ConstellationDisconnected,
    /// Somebody wants it to end.
    UserRequested,
    /// The server is about to stop.
    Shutdown,
    /// The time of the plugin's version is over.
    Reload,
    /// It has taken too many steps.
    Steps,
    /// It has taken too long.
    Time,
    /// The device answers no commands any more.
    Silence,
}

impl Reason {
    /// The word of the plugin contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DeviceDisconnected => "device_disconnected",
            Self::ConstellationDisconnected => "constellation_disconnected",
            Self::UserRequested => "user_requested",
            Self::Shutdown => "shutdown",
            Self::Reload => "reload",
            Self::Steps | Self::Time | Self::Silence => "budget",
        }
    }

    /// What those are told who wait for the end. Clients know some of these texts.
    pub const fn text(self) -> &'static str {
        match self {
            Self::DeviceDisconnected => "Task was cancelled because target device disconnected",
            Self::ConstellationDisconnected => "Task was cancelled due to client disconnection",
            Self::UserRequested => "Task was cancelled by user request",
            Self::Shutdown => "Task was cancelled because the server is shutting down; ask for it again",
            Self::Reload => "Task was cancelled because the version of the plugin that drove it is at its end",
            Self::Steps => "Maximum number of steps reached",
            Self::Time => "Task was cancelled because it took too long",
            Self::Silence => "The device does not answer commands any more",
        }
    }
}

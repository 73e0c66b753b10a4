//! The one table of limits: what a frame may hold, and what happens beyond it.

/// Bytes of one frame, in both directions; beyond it the frame is refused. Screenshots travel inside of results, so the
/// protocol sets it high; a WebSocket library must be told the same number, or it refuses first.
pub const FRAME_BYTES: usize = 100 << 20;

/// Objects and lists inside of each other; beyond it the frame is refused. It is what `serde_json` bears where it builds
/// values up, so whatever comes through here can be read by whoever gets the payload.
pub const NESTING: usize = 127;

/// Results, or commands, in one frame; beyond it the frame is refused. A device carries commands out one after another.
pub const ITEMS: usize = 1_000;

/// Bytes of an id; beyond it the frame is refused. Ids are kept in maps and written to logs, and some are made of names
/// that people choose (`<task name>@<device>`).
pub const ID_BYTES: usize = 512;

/// Bytes of a name: of a task, tool, agent, process (a window's title), platform, file; beyond it the frame is refused.
pub const NAME_BYTES: usize = 1 << 10;

/// Bytes of the text of a request; beyond it the frame is refused. A request is stored, and is shown to a model.
pub const REQUEST_BYTES: usize = 1 << 20;

/// Bytes of metadata, which hold the system information that is kept as long as a device is connected; beyond it the frame
/// is refused.
pub const METADATA_BYTES: usize = 256 << 10;

/// Bytes of an error text; what is longer is cut, because a result is worth more than the end of its traceback.
pub const ERROR_BYTES: usize = 64 << 10;

/// Tools in one inventory; beyond it the inventory is refused.
pub const TOOLS: usize = 4_096;

/// Bytes of what a peer sent that come back in the text of a refusal; what is longer is cut.
pub const QUOTED_BYTES: usize = 64;

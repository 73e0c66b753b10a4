//! Those who play with the server: each sends exactly what the clients in the field send, and is as strict a reader as
//! they are.

mod api;
mod constellation;
mod device;
mod peer;
mod strict;

pub use api::Api;
pub use constellation::Constellation;
pub use device::{Command, Device, secret_tools, system_info, tools};
pub use peer::Peer;

use serde_json::{Value, json};

/// A frame of a client as the clients in the field write it: with all keys, nulls included.
pub fn client_frame(given: Value) -> Value {
    let frame = json!({
        "type": null, "status": "ok", "client_type": null, "client_id": null, "target_id": null, "session_id": null,
        "task_name": null, "request": null, "action_results": null, "request_id": null, "prev_response_id": null,
        "error": null, "metadata": null, "timestamp": "2026-03-04T05:06:07.000001+00:00",
    });
    with(frame, given)
}

/// A frame with some keys changed.
pub fn with(mut frame: Value, keys: Value) -> Value {
    let Value::Object(keys) = keys else { panic!("keys are an object, not {keys}") };
    frame.as_object_mut().unwrap().extend(keys);
    frame
}

/// A new id.
pub fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

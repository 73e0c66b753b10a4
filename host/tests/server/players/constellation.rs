//! A constellation, frame for frame as its device manager sends them.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::{Peer, client_frame};

/// A constellation's connection for one of its devices.
pub struct Constellation {
    peer: Peer,
    name: String,
    device: String,
    /// What it was told of its device.
    pub info: Value,
}

impl Constellation {
    /// The frame that it registers with.
    pub fn registration(name: &str, device: &str) -> Value {
        client_frame(json!({
            "type": "register", "client_type": "constellation", "client_id": format!("{name}@{device}"),
            "target_id": device,
            "metadata": {
                "type": "constellation_client", "task_name": name, "targeted_device_id": device,
                "capabilities": ["task_distribution", "session_management", "device_coordination"], "version": "2.0",
            },
        }))
    }

    /// Connects, registers, asks for its device and sends its first heartbeat, in the order in which that happens.
    pub async fn join(address: SocketAddr, name: &str, device: &str) -> Self {
        let mut peer = Peer::connect(address, "").await.unwrap();
        peer.send(&Self::registration(name, device)).await;
        peer.expect("heartbeat").await;
        let mut this = Self { peer, name: name.into(), device: device.into(), info: Value::Null };
        let (question, heartbeat) = (this.question(), this.heartbeat());
        let asked = question["request_id"].clone();
        this.send(&question).await;
        this.send(&heartbeat).await;
        let answer = this.expect("device_info_response").await;
        assert_eq!(answer["response_id"], asked, "{answer}");
        this.info = answer["result"].clone();
        this.expect("heartbeat").await;
        this
    }

    /// Its id.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.device)
    }

    /// The frame that it asks for its device with.
    pub fn question(&self) -> Value {
        client_frame(json!({
            "type": "device_info_request", "client_type": "constellation", "client_id": self.id(),
            "target_id": self.device, "request_id": format!("device_info_{}_1772600767.5", self.device),
        }))
    }

    /// Its heartbeat, which says that it is a device.
    pub fn heartbeat(&self) -> Value {
        client_frame(json!({
            "type": "heartbeat", "client_type": "device", "client_id": self.id(),
            "metadata": {"device_id": self.device},
        }))
    }

    /// The session that a task of this id gets.
    pub fn session(&self, task: &str) -> String {
        format!("{}@{task}", self.name)
    }

    /// The frame that it gives a task with.
    pub fn task(&self, task: &str, request: &str) -> Value {
        client_frame(json!({
            "type": "task", "status": "continue", "client_type": "constellation", "client_id": self.id(),
            "target_id": self.device, "session_id": self.session(task),
            "task_name": format!("galaxy/{}/{task}", self.name), "request": request,
        }))
    }

    /// Gives a task, which must be acknowledged; its session.
    pub async fn give(&mut self, task: &str, request: &str) -> String {
        let (frame, session) = (self.task(task, request), self.session(task));
        self.send(&frame).await;
        let answer = self.expect("heartbeat").await;
        assert_eq!(answer["session_id"], session, "{answer}");
        session
    }

    /// The end of this session, which must be the next to come.
    pub async fn end_of(&mut self, session: &str) -> Value {
        let end = self.expect("task_end").await;
        assert_eq!(end["session_id"], session, "{end}");
        end
    }

    /// Its socket, for leaving.
    pub fn into_peer(self) -> Peer {
        self.peer
    }
}

impl Deref for Constellation {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Constellation {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}

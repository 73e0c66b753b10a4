//! Frames in the canonical form, as clients and servers of the protocol send them: what is read is written again letter
//! by letter.

use std::fs;
use std::path::Path;

use hangar_aip::{ClientMessage, Id, ServerMessage, Stamp};

/// All frames of the corpus whose name begins so.
pub fn frames(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/aip");
    let mut frames = Vec::new();
    for entry in fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with(prefix) {
            frames.push((name, fs::read(path).unwrap()));
        }
    }
    assert!(!frames.is_empty(), "no frames {prefix}");
    frames.sort();
    frames
}

fn stamp() -> Stamp {
    Stamp {
        timestamp: "2026-03-04T05:06:07.123456Z".parse().unwrap(),
        response_id: Id::new("9d0c1c3e-6f0e-4c57-9f35-0f6f0e0a1b2c").unwrap(),
    }
}

#[test]
fn frames_of_clients_are_written_as_they_were_read() {
    for (name, frame) in frames("client-") {
        let message = ClientMessage::read(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(message.write(stamp().timestamp), String::from_utf8(frame).unwrap(), "{name}");
    }
}

#[test]
fn frames_of_servers_are_written_as_they_were_read() {
    for (name, frame) in frames("server-") {
        let message = ServerMessage::read(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(message.write(&stamp()), String::from_utf8(frame).unwrap(), "{name}");
    }
}

#[test]
fn other_forms_become_canonical() {
    for (name, frame) in frames("lenient-client-") {
        let message = ClientMessage::read(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = message.write(stamp().timestamp);
        assert_eq!(ClientMessage::read(again.as_bytes()).unwrap().kind(), message.kind(), "{name}");
    }
    for (name, frame) in frames("lenient-server-") {
        let message = ServerMessage::read(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(ServerMessage::read(message.write(&stamp()).as_bytes()).unwrap(), message, "{name}");
    }
}

/// A time on the second is written with its microseconds all the same, and never with a `Z`.
#[test]
fn times_have_one_form() {
    let second = "2026-03-04T05:06:07Z".parse().unwrap();
    let frame = ServerMessage::error("x").write(&Stamp { timestamp: second, ..stamp() });
    assert!(frame.contains(r#""timestamp":"2026-03-04T05:06:07.000000+00:00""#), "{frame}");
}

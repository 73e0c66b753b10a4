//! Values as text, of bounded length.

use hangar_plugin_sdk::{Value, blobs};

use crate::cut::cut;

/// How much of all blobs together is shown, in bytes.
const OPENED: u32 = 16 << 10;

/// What a blob costs at least, so that not even empty ones are looked up without end.
const LOOK: u32 = 64;

/// The longest text that is made of a value, in characters.
const LONGEST: usize = 64 << 10;

/// A value as text: texts as they are, long ones from their blobs as far as they are shown, all else as JSON.
pub fn shown(value: &Value) -> String {
    Reader::default().text(value)
}

/// Whether nothing is there to be shown.
pub fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Shows several values that share one budget for their blobs.
pub struct Reader {
    room: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Self { room: OPENED }
    }
}

impl Reader {
    /// One of the values as text.
    pub fn text(&mut self, value: &Value) -> String {
        let text = match (value, blob_in(value)) {
            (Value::Null, _) => String::new(),
            (Value::String(text), _) => return cut(text.trim_end(), LONGEST),
            (_, Some(id)) => self.blob(id),
            _ => self.opened(value).to_string(),
        };
        cut(&text, LONGEST)
    }

    /// The same JSON, but long texts in it are there as far as they are shown.
    fn opened(&mut self, value: &Value) -> Value {
        match (value, blob_in(value)) {
            (_, Some(id)) => Value::String(self.blob(id)),
            (Value::Array(items), _) => items.iter().map(|item| self.opened(item)).collect(),
            (Value::Object(fields), _) => fields.iter().map(|(key, value)| (key.clone(), self.opened(value))).collect(),
            _ => value.clone(),
        }
    }

    fn blob(&mut self, id: &str) -> String {
        if self.room == 0 {
            return "(left out)".into();
        }
        let known = blobs::info(id);
        let text = known.as_ref().filter(|known| known.mime.starts_with("text/") || known.mime == "application/json");
        let length = text.map_or(0, |text| text.length.min(self.room));
        self.room = self.room.saturating_sub(length.max(LOOK));
        match (known, length) {
            (None, _) => "(no longer there)".into(),
            (Some(known), 0) if known.length > 0 => format!("({}, {} bytes)", known.mime, known.length),
            (Some(known), _) => head(id, length, known.length),
        }
    }
}

/// The beginning of a text, and how much more of it there is.
fn head(id: &str, length: u32, whole: u32) -> String {
    let head = blobs::read(id, 0, length).unwrap_or_default();
    let text = String::from_utf8_lossy(&head).trim_end().to_owned();
    if length == whole { text } else { format!("{text}\n(the first {length} of {whole} bytes)") }
}

fn blob_in(value: &Value) -> Option<&str> {
    value.as_object().filter(|fields| fields.len() == 1)?.get("$blob")?.as_str()
}

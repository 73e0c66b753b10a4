//! Blobs in JSON that leaves the server: devices and requesters are given their content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hangar_runtime::Blobs;
use serde_json::Value;

/// Puts the content in the place of each `{"$blob": "<id>"}`: text as it is, everything else as a `data:` URI. One blob may be
/// named a hundred thousand times, so there is a bound on what comes in; the error is a text for whoever named them.
pub(super) fn fill_in(value: &mut Value, blobs: &Blobs, most: usize) -> Result<(), String> {
    let mut left = most;
    fill(value, blobs, &mut left).map_err(|why| match why {
        Why::Unknown(id) => format!("there is no blob `{id:.80}` in this session"),
        Why::TooMuch => format!("the blobs that are named have more than {most} bytes together"),
    })
}

enum Why {
    Unknown(String),
    TooMuch,
}

fn fill(value: &mut Value, blobs: &Blobs, left: &mut usize) -> Result<(), Why> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, blobs, left)),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("$blob") => {
            let id = fields.get("$blob").and_then(Value::as_str).unwrap_or_default();
            let blob = blobs.get(id).ok_or_else(|| Why::Unknown(id.to_owned()))?;
            let text = std::str::from_utf8(&blob.bytes).ok().filter(|_| blob.mime.starts_with("text/plain"));
            let bytes = text.map_or(blob.bytes.len().div_ceil(3) * 4 + blob.mime.len() + 13, str::len);
            *left = left.checked_sub(bytes).ok_or(Why::TooMuch)?;
            *value = Value::String(match text {
                Some(text) => text.to_owned(),
                None => format!("data:{};base64,{}", blob.mime, STANDARD.encode(&blob.bytes)),
            });
            Ok(())
        }
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fill(field, blobs, left)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn devices_get_the_content() {
        let blobs = Blobs::default();
        let text = blobs.put("text/plain;charset=utf-8", "héllo".into()).unwrap();
        let picture = blobs.put("image/gif", vec![1, 2, 3].into()).unwrap();
        let mut value = json!({"a": [{"$blob": text}], "b": {"$blob": picture}, "c": {"$blob": 1, "d": 2}});
        fill_in(&mut value, &blobs, 1_000).unwrap();
        assert_eq!(value, json!({"a": ["héllo"], "b": "data:image/gif;base64,AQID", "c": {"$blob": 1, "d": 2}}));
        let unknown = fill_in(&mut json!({"$blob": "none"}), &blobs, 1_000).unwrap_err();
        assert_eq!(unknown, "there is no blob `none` in this session");
    }

    #[test]
    fn one_blob_cannot_be_named_without_end() {
        let blobs = Blobs::default();
        let id = blobs.put("text/plain", vec![b'x'; 1_000].into()).unwrap();
        let mut value = Value::Array(vec![json!({"$blob": id}); 100_000]);
        let why = fill_in(&mut value, &blobs, 1 << 20).unwrap_err();
        assert_eq!(why, "the blobs that are named have more than 1048576 bytes together");
    }
}

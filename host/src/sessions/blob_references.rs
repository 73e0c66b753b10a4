//! Blobs in the parameters of commands: devices are given their content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hangar_runtime::Blobs;
use serde_json::Value;

/// Puts the content in the place of each `{"$blob": "<id>"}`: text as it is, everything else as a `data:` URI.
pub(super) fn fill_in(value: &mut Value, blobs: &Blobs) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill_in(item, blobs)),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("$blob") => {
            let id = fields.get("$blob").and_then(Value::as_str).unwrap_or_default();
            let blob = blobs.get(id).ok_or_else(|| format!("there is no blob `{id:.80}` in this session"))?;
            *value = Value::String(match std::str::from_utf8(&blob.bytes) {
                Ok(text) if blob.mime.starts_with("text/plain") => text.to_owned(),
                _ => format!("data:{};base64,{}", blob.mime, STANDARD.encode(&blob.bytes)),
            });
            Ok(())
        }
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fill_in(field, blobs)),
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
        fill_in(&mut value, &blobs).unwrap();
        assert_eq!(value, json!({"a": ["héllo"], "b": "data:image/gif;base64,AQID", "c": {"$blob": 1, "d": 2}}));
        let unknown = fill_in(&mut json!({"$blob": "none"}), &blobs).unwrap_err();
        assert_eq!(unknown, "there is no blob `none` in this session");
    }
}

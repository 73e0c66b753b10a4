use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A root with a neighbour that nobody may see.
struct Stage {
    _folder: TempDir,
    outside: PathBuf,
    files: Files,
}

fn stage() -> Stage {
    let folder = TempDir::new().unwrap();
    let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    fs::write(root.join("a.txt"), "größe").unwrap();
    fs::write(root.join("sub/b.bin"), [0, 255, 1]).unwrap();
    fs::write(root.join("sub/deep/c"), "").unwrap();
    symlink("../outside", root.join("out")).unwrap();
    symlink("/etc/passwd", root.join("absolute")).unwrap();
    symlink("a.txt", root.join("inner")).unwrap();
    symlink("../outside/new", root.join("dangling")).unwrap();
    let files = Files::below(&root, true).unwrap();
    Stage { _folder: folder, outside, files }
}

async fn content(files: &Files, path: &str) -> Result<String, String> {
    files.read(&json!({ "path": path })).await.map(|read| read["content"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn nothing_outside_can_be_read_written_or_listed() {
    let Stage { outside, files, .. } = stage();
    let secret = outside.join("secret").display().to_string();
    let root = files.root().display().to_string();
    let ways = ["../outside/secret", "out/secret", "sub/../../outside/secret", "absolute", "/etc/passwd", &secret];
    for path in ways.into_iter().chain([format!("{root}/../outside/secret").as_str(), "sub/deep/../../out/secret"]) {
        let refusal = content(&files, path).await.unwrap_err();
        assert!(refusal.contains("leads out of"), "{path}: {refusal}");
        for mode in ["replace", "append"] {
            let written = files.write(&json!({"path": path, "content": "x", "mode": mode})).await;
            assert!(written.unwrap_err().contains("leads out of"), "{path}");
        }
    }
    for path in ["..", "out", "/", "sub/../..", "../outside"] {
        assert!(files.list(&json!({ "path": path })).await.unwrap_err().contains("leads out of"), "{path}");
        assert!(files.folder(path).unwrap_err().contains("leads out of"), "{path}");
    }
    for (path, folders) in [("dangling", false), ("out/new", false), ("out/a/b", true), ("../outside/new", true)] {
        let written = files.write(&json!({"path": path, "content": "x", "folders": folders})).await;
        assert!(written.is_err(), "{path}: {written:?}");
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}

#[tokio::test]
async fn what_lies_below_is_read_in_parts() {
    let Stage { files, .. } = stage();
    assert_eq!(content(&files, "a.txt").await.unwrap(), "größe");
    assert_eq!(content(&files, "inner").await.unwrap(), "größe");
    assert_eq!(content(&files, "sub/../a.txt").await.unwrap(), "größe");
    let absolute = files.root().join("a.txt").display().to_string();
    assert_eq!(content(&files, &absolute).await.unwrap(), "größe");

    // The ö lies across the first three bytes and the next.
    let part = files.read(&json!({"path": "a.txt", "limit": 3})).await.unwrap();
    assert_eq!(part, json!({"content": "gr", "encoding": "utf-8", "size": 7, "next_offset": 2}));
    let part = files.read(&json!({"path": "a.txt", "offset": 2, "limit": 5})).await.unwrap();
    assert_eq!(part, json!({"content": "öße", "encoding": "utf-8", "size": 7, "next_offset": null}));
    let part = files.read(&json!({"path": "a.txt", "offset": 100})).await.unwrap();
    assert_eq!((&part["content"], &part["next_offset"]), (&json!(""), &Value::Null));
    let part = files.read(&json!({"path": "sub/b.bin"})).await.unwrap();
    assert_eq!((&part["content"], &part["encoding"]), (&json!("AP8B"), &json!("base64")));

    for (parameters, why) in [
        (json!({"path": "sub"}), "a folder: list it"),
        (json!({"path": "none"}), "There is no `none`"),
        (json!({"path": "a.txt", "limit": 0}), "between 1 and"),
        (json!({"path": "a.txt", "limit": reading::MOST + 1}), "between 1 and"),
        (json!({"path": "a.txt", "lines": 1}), "unknown field `lines`"),
        (json!({"path": "a\0b"}), "a\0b"),
    ] {
        let refusal = files.read(&parameters).await.unwrap_err();
        assert!(refusal.contains(why), "{refusal}");
    }
}

#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let Stage { files, .. } = stage();
    let pipe = files.root().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(content(&files, "pipe").await.unwrap_err().contains("no file with content"));
    assert!(files.write(&json!({"path": "pipe", "content": "x"})).await.is_err());
}

#[tokio::test]
async fn files_are_written_as_it_was_said() {
    let Stage { files, .. } = stage();
    let write = async |parameters| files.write(&parameters).await;
    assert_eq!(write(json!({"path": "a.txt", "content": "new"})).await.unwrap(), json!({"written": 3, "size": 3}));
    write(json!({"path": "a.txt", "content": "er", "mode": "append"})).await.unwrap();
    assert_eq!(content(&files, "a.txt").await.unwrap(), "newer");
    let refusal = write(json!({"path": "a.txt", "content": "", "mode": "create"})).await.unwrap_err();
    assert!(refusal.contains("already"), "{refusal}");
    assert!(write(json!({"path": "x/y/z", "content": "1"})).await.unwrap_err().contains("There is no `x/y/z`"));
    write(json!({"path": "x/y/z", "content": "1", "folders": true, "mode": "create"})).await.unwrap();
    assert_eq!(content(&files, "x/y/z").await.unwrap(), "1");
    assert!(write(json!({"path": "sub", "content": ""})).await.is_err());
    let long = "x".repeat(writing::MOST + 1);
    assert!(write(json!({"path": "long", "content": long})).await.unwrap_err().contains("are allowed at once"));
    assert!(!files.root().join("long").exists());

    let read_only = Files::below(files.root(), false).unwrap();
    assert!(read_only.write(&json!({"path": "a.txt", "content": ""})).await.unwrap_err().contains("--root"));
    assert!(read_only.describe().iter().all(|tool| tool.name != "write_file"));
    assert_eq!(content(&files, "a.txt").await.unwrap(), "newer");
}

#[tokio::test]
async fn folders_are_listed_in_parts_and_links_are_not_followed() {
    let Stage { files, .. } = stage();
    let paths = |listed: &Value| -> Vec<String> {
        let entries = listed["entries"].as_array().unwrap().iter();
        entries
            .map(|entry| format!("{} {}", entry["kind"].as_str().unwrap(), entry["path"].as_str().unwrap()))
            .collect()
    };
    let all = files.list(&json!({})).await.unwrap();
    let expected = ["file a.txt", "link absolute", "link dangling", "link inner", "link out", "folder sub"];
    assert_eq!(paths(&all), expected);
    assert_eq!((&all["total"], &all["next_offset"], &all["complete"]), (&json!(6), &Value::Null, &json!(true)));
    let part = files.list(&json!({"offset": 4, "limit": 1})).await.unwrap();
    assert_eq!((paths(&part), &part["next_offset"]), (vec!["link out".to_owned()], &json!(5)));
    let deep = files.list(&json!({"path": "sub", "depth": 2})).await.unwrap();
    assert_eq!(paths(&deep), ["file b.bin", "folder deep", "file deep/c"]);
    assert!(files.list(&json!({"depth": 100})).await.unwrap_err().contains("between 1 and 16"));
    assert!(files.list(&json!({"path": "a.txt"})).await.is_err());
}

//! What plugins import from the host: `log`, `blob`, `directory`. Everything here returns at once.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::contract::VERSION;
use crate::contract::blobs::BlobInfo;
use crate::contract::directory::{Entry, Filter, PageResult};
use crate::contract::values::Failure;
use crate::guest::Guest;
use crate::wasi;

/// Entries of one page of the directory, whatever is asked for.
const PAGE: u32 = 1_000;

type Cx<'a> = StoreContextMut<'a, Guest>;

/// What a behaviour may import.
pub(crate) fn of_behaviours(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    log(&mut linker)?;
    blob(&mut linker)?;
    Ok(linker)
}

/// What a handler may import.
pub(crate) fn of_handlers(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = of_behaviours(engine)?;
    directory(&mut linker)?;
    Ok(linker)
}

fn named(interface: &str) -> String {
    format!("hangar:plugin/{interface}@{VERSION}")
}

fn log(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(&named("log"))?.func_wrap("write", |cx: Cx<'_>, (level, line): (String, String)| {
        cx.data().log.write(&level, &line);
        Ok(())
    })
}

fn blob(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut blob = linker.instance(&named("blob"))?;
    blob.func_wrap("info", |cx: Cx<'_>, (id,): (String,)| {
        let info = cx.data().blobs.get(&id).map(|blob| BlobInfo {
            mime: blob.mime.clone(),
            length: blob.length(),
            width: blob.size.map(|size| size.0),
            height: blob.size.map(|size| size.1),
            extra: String::new(),
        });
        Ok((info,))
    })?;
    blob.func_wrap("read", |cx: Cx<'_>, (id, offset, length): (String, u32, u32)| {
        let guest = cx.data();
        let Some(blob) = guest.blobs.get(&id) else {
            return Ok((Err(failure("not-found", format!("This session has no blob {id}"))),));
        };
        let bytes = blob.range(offset, length);
        let limit = guest.meter.memory_limit();
        if bytes.len() > limit {
            let text = format!("a plugin that may have {limit} bytes cannot read {} at once", bytes.len());
            return Ok((Err(failure("limit", text)),));
        }
        Ok((Ok(bytes.to_vec()),))
    })?;
    blob.func_wrap("create", |cx: Cx<'_>, (mime, content): (String, Vec<u8>)| {
        let id = cx.data().blobs.put(&mime, content.into());
        Ok((id.map_err(|error| failure(error.code(), error.to_string())),))
    })
}

fn directory(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut directory = linker.instance(&named("directory"))?;
    directory.func_wrap("version", |cx: Cx<'_>, (): ()| {
        Ok((cx.data().directory.as_ref().map_or(0, |directory| directory.version()),))
    })?;
    directory.func_wrap("get", |cx: Cx<'_>, (id,): (String,)| {
        let entry: Option<Entry> = cx.data().directory.as_ref().and_then(|directory| directory.get(&id));
        Ok((entry,))
    })?;
    directory.func_wrap("page", |cx: Cx<'_>, (filter, cursor, limit): (Filter, Option<String>, u32)| {
        let page =
            cx.data().directory.as_ref().map(|directory| directory.page(&filter, cursor.as_deref(), limit.min(PAGE)));
        Ok((page.unwrap_or_else(|| PageResult { entries: Vec::new(), next: None, extra: String::new() }),))
    })?;
    directory.func_wrap("pick", |cx: Cx<'_>, (policy, filter, exclude): (String, Filter, Vec<String>)| {
        let entry: Option<Entry> =
            cx.data().directory.as_ref().and_then(|directory| directory.pick(&policy, &filter, &exclude));
        Ok((entry,))
    })
}

fn failure(code: &str, text: String) -> Failure {
    Failure { code: code.to_owned(), text, extra: String::new() }
}

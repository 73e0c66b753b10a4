//! The other side: a behaviour run with wasmtime and nothing else. No limits, no log, no checks, no seeds.

use anyhow::Result;
use hangar_runtime::contract::actions::Action;
use hangar_runtime::contract::blobs::BlobInfo;
use hangar_runtime::contract::events::Event;
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::Failure;
use hangar_runtime::contract::{PACKAGE, VERSION};
use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre, Linker, ResourceAny, TypedFunc};
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

/// What a store holds.
pub struct Ctx {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// A component, linked.
pub struct Bare {
    ready: InstancePre<Ctx>,
    constructor: ComponentExportIndex,
    step: ComponentExportIndex,
}

type Step = TypedFunc<(ResourceAny, Event), (Result<Vec<Action>, Failure>,)>;

/// One run.
pub struct BareRun {
    store: Store<Ctx>,
    run: ResourceAny,
    step: Step,
}

impl Bare {
    pub fn new(component: &Component) -> Result<Self> {
        let ready = linker(component.engine())?.instantiate_pre(component)?;
        let missing = || anyhow::anyhow!("an export is missing");
        let runs = component.get_export_index(None, &*named("runs")).ok_or_else(missing)?;
        let export = |name: &str| component.get_export_index(Some(&runs), name).ok_or_else(missing);
        Ok(Self { ready, constructor: export("[constructor]run")?, step: export("[method]run.step")? })
    }

    /// A store with a fresh instance in it.
    pub fn instantiate(&self) -> Result<(Store<Ctx>, Instance)> {
        let ctx = Ctx { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(self.ready.engine(), ctx);
        store.set_epoch_deadline(1 << 40);
        let instance = self.ready.instantiate(&mut store)?;
        Ok((store, instance))
    }

    /// A run that has been constructed.
    pub fn start(&self, info: &RunInfo) -> Result<BareRun> {
        let (mut store, instance) = self.instantiate()?;
        let constructor = instance.get_typed_func::<(&RunInfo,), (ResourceAny,)>(&mut store, self.constructor)?;
        let step = instance.get_typed_func(&mut store, self.step)?;
        let (run,) = constructor.call(&mut store, (info,))?;
        Ok(BareRun { store, run, step })
    }
}

impl BareRun {
    pub fn step(&mut self, event: Event) -> Result<Vec<Action>> {
        let (answer,) = self.step.call(&mut self.store, (self.run, event))?;
        answer.map_err(|failure| anyhow::anyhow!("{failure:?}"))
    }
}

/// WASI, and the contract's imports with nothing behind them.
fn linker(engine: &Engine) -> Result<Linker<Ctx>> {
    type Cx<'a> = StoreContextMut<'a, Ctx>;
    let none = || Failure { code: "not-found".into(), text: String::new(), extra: String::new() };
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    linker.instance(&named("log"))?.func_wrap("write", |_: Cx<'_>, _: (String, String)| Ok(()))?;
    let mut blob = linker.instance(&named("blob"))?;
    blob.func_wrap("info", |_: Cx<'_>, _: (String,)| Ok((None::<BlobInfo>,)))?;
    blob.func_wrap("read", move |_: Cx<'_>, _: (String, u32, u32)| Ok((Err::<Vec<u8>, _>(none()),)))?;
    blob.func_wrap("create", move |_: Cx<'_>, _: (String, Vec<u8>)| Ok((Err::<String, _>(none()),)))?;
    Ok(linker)
}

fn named(interface: &str) -> String {
    format!("{PACKAGE}/{interface}@{VERSION}")
}

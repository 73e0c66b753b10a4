//! The imports that both worlds have, as a world of their own: it exports nothing, so it joins either.
#![cfg(target_family = "wasm")]

wit_bindgen::generate!({
    path: "../wit/v1",
    inline: "
        package hangar:sdk;
        world imports {
            import hangar:plugin/log@1.0.0;
            import hangar:plugin/blob@1.0.0;
        }
    ",
    world: "hangar:sdk/imports",
    generate_all,
});

pub(crate) use self::hangar::plugin::{blob, log};

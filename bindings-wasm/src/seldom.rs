//! What few pages ask for. The engine's part of it stands in a file of its own, which the package fetches with the
//! first call that needs it.

use windlass_core::apart::Apart;
use windlass_core::future::BoxFuture;
use windlass_core::{Result, Timestamp};
use windlass_json::{Client, Stream};

/// Where it goes through.
pub(crate) struct Seldom {
    /// See [`Client::seldom`].
    pub(crate) call:
        fn(Client, String, String, String) -> BoxFuture<'static, Result<Option<String>>>,
    /// See [`Client::monitor`] and [`Client::events`].
    pub(crate) follow: fn(&Client, &str, Option<String>, Option<String>, f64) -> Result<Stream>,
}

static TABLE: Seldom = Seldom {
    call: |client, verb, subject, told| {
        Box::pin(async move { client.seldom(&verb, &subject, &told).await })
    },
    follow: |client, verb, of, task_type, after| match verb {
        "monitor" => client.monitor(of.as_deref().unwrap_or_default(), after as i64),
        _ => {
            let since = after.is_finite().then(|| Timestamp::from_millis(after as i64));
            Ok(client.events(of, task_type, since))
        }
    },
};

pub(crate) static SELDOM: Apart<Seldom> = Apart::new(&TABLE);

/// Makes all of it known; the file that it is in must have joined this one.
#[cfg(feature = "engine")]
#[wasm_bindgen::prelude::wasm_bindgen(js_name = installSeldom)]
pub fn install_seldom() {
    part::enter();
}

/// The one way into that file. `windlass-bindgen` knows it by the two names: it puts the second function, and all that
/// only it leads to, into the file, and has the first call it there.
#[cfg(feature = "engine")]
mod part {
    #[link(wasm_import_module = "__wasm_split_placeholder__")]
    unsafe extern "C" {
        #[link_name = "__wasm_split_00seldom00_import_5e1d0000000000000000000000000001"]
        pub(super) safe fn enter();
    }

    #[unsafe(export_name = "__wasm_split_00seldom00_export_5e1d0000000000000000000000000001")]
    extern "C" fn install() {
        windlass_core::runtime::install();
        super::SELDOM.fill(&super::TABLE);
    }
}

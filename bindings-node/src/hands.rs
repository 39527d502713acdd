//! Leases taken by hand: the verbs of a worker, one by one, with bodies and answers of `/leases`.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;
use serde_json::json;
use windlass::words::{Settle, SettledRecord};
use windlass::{LeaseRequest, Renewal};

use crate::client::Client;
use crate::fields::record;
use crate::promise::text;

#[napi]
impl Client {
    /// Leases tasks; see `Service::lease`.
    #[napi]
    pub fn lease<'env>(&self, env: &'env Env, request: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move {
            let request: LeaseRequest = record("request", &request)?;
            text(&c.lease(request).await?)
        })
    }

    /// Keeps leases; a word for each: `held`, `cancel_requested` or `lost`.
    #[napi]
    pub fn renew<'env>(&self, env: &'env Env, renewals: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move {
            let renewals: Vec<Renewal> = record("renewals", &renewals)?;
            text(&c.renew(renewals).await?)
        })
    }

    /// Records outcomes; for each its task's status, or the error.
    #[napi]
    pub fn settle<'env>(&self, env: &'env Env, settles: String) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move {
            let settles: Vec<Settle> = record("settles", &settles)?;
            let ids: Vec<_> = settles.iter().map(|settle| settle.task_id).collect();
            let (now, settled) = (c.now(), c.settle(settles, None).await?.settled);
            let answers = ids.iter().zip(&settled);
            let answers: Vec<_> =
                answers.map(|(id, settled)| SettledRecord::of(*id, settled, now)).collect();
            text(&answers)
        })
    }

    /// Sweeps once; what it did, by name.
    #[napi]
    pub fn sweep<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.record(env, |c| async move {
            let swept = c.sweep().await?;
            text(&json!({
                "promoted": swept.promoted, "rescued": swept.rescued, "pruned": swept.pruned,
            }))
        })
    }
}

//! A server in this process, for tests.

use napi::Env;
use napi::bindgen_prelude::{Null, Object};
use napi_derive::napi;
use windlass_json::Fields;
use windlass_server::http::{ServeOptions, Server as HttpServer};

use crate::client::Client;
use crate::promise::promise;

/// A server that answers by HTTP what a client's store answers.
#[napi]
pub(crate) struct Server(HttpServer);

/// Serves the store of `client`; `options` is JSON text of an object.
#[napi]
pub(crate) fn start_server<'env>(
    env: &'env Env,
    client: &Client,
    options: String,
) -> napi::Result<Object<'env>> {
    let client = client.0.core().clone();
    promise(env, async move {
        let mut fields = Fields::read("options", &options)?;
        let mut serve =
            ServeOptions { listen: "127.0.0.1:0".to_owned(), ..ServeOptions::default() };
        serve.listen = fields.take("listen")?.unwrap_or(serve.listen);
        serve.api_key = fields.take("api_key")?;
        serve.cors_origins = fields.take("cors_origins")?.unwrap_or_default();
        serve.grace = fields.seconds("grace")?.unwrap_or(serve.grace);
        fields.end()?;
        HttpServer::start(client, serve).await.map(Server)
    })
}

#[napi]
impl Server {
    /// Where it answers.
    #[napi]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The address that it listens on, as `HOST:PORT`.
    #[napi]
    pub fn address(&self) -> String {
        self.0.address().to_string()
    }

    /// Stops; resolves once every connection is gone, or its grace has passed. Again is no error.
    #[napi]
    pub fn stop<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.0.stop();
        let server = self.0.clone();
        promise(env, async move {
            server.stopped().await;
            Ok(Null)
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.stop();
    }
}

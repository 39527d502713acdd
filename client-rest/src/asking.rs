//! What comes of a call: its answer read, as text, open, or not looked at.

use std::sync::Mutex;

use serde::de::DeserializeOwned;
use windlass_core::future::BoxFuture;
use windlass_core::words::members::Members;
use windlass_core::{Error, Result};

use crate::answer::Read;
use crate::answered::{Answered, unread};
use crate::call::Call;
use crate::calls::{Calls, End, lock};
use crate::transport::Response;

impl Calls {
    /// The answer to `call`.
    ///
    /// # Errors
    ///
    /// What the server said; `store_unavailable` when it said nothing in time, `api_error` when it said
    /// what no Windlass server says, `circuit_breaker_open`, `client_closed`.
    pub(crate) async fn ask<T: DeserializeOwned + Send>(&self, call: &Call) -> Result<T> {
        self.ask_by(call, &|text| serde_json::from_str(text)).await
    }

    /// The same, as `read` takes it from the answer's text. Errors as `ask`.
    pub(crate) async fn ask_by<T: Send>(
        &self,
        call: &Call,
        read: &(dyn Fn(&str) -> serde_json::Result<T> + Sync),
    ) -> Result<T> {
        let answer = self.read(call, false, read).await?;
        answer.ok_or_else(|| Error::internal("a call ended without an answer"))
    }

    /// The text of the answer, which is an object. Boxed, so that it is there once. Errors as `ask`.
    pub(crate) fn text<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<String>> {
        Box::pin(self.ask_by(call, &object))
    }

    /// The same, read.
    pub(crate) async fn answer<T: Answered>(&self, call: &Call) -> Result<T> {
        T::read(&self.text(call).await?).map_err(unread)
    }

    /// The same; `None` when the answer is larger than a client reads. Errors as `ask`.
    pub(crate) async fn ask_unless_large<T: DeserializeOwned + Send>(
        &self,
        call: &Call,
    ) -> Result<Option<T>> {
        self.read(call, true, &|text| serde_json::from_str(text)).await
    }

    /// What `read` takes from an answer, unless it `may_be_large` and is. Errors as `ask`.
    pub(crate) async fn read<T: Send>(
        &self,
        call: &Call,
        may_be_large: bool,
        read: &(dyn Fn(&str) -> serde_json::Result<T> + Sync),
    ) -> Result<Option<T>> {
        let answer = Mutex::new(None);
        let keep = |text: &str| {
            *lock(&answer) = Some(read(text)?);
            Ok(())
        };
        self.run(call, Some(&keep), may_be_large).await?;
        let answer = lock(&answer).take();
        Ok(answer)
    }

    /// Makes a call whose answer says nothing. Errors as `ask`.
    pub(crate) async fn tell(&self, call: &Call) -> Result<()> {
        self.run(call, None, true).await
    }

    /// The open answer to `call`. Errors as `ask`.
    pub(crate) async fn open(&self, call: &Call) -> Result<Response> {
        let answer = self.repeat(call, End::Open).await?;
        answer.ok_or_else(|| Error::internal("a call ended without an answer"))
    }

    /// Makes a call and has its answer read, or left alone when it `may_be_large` and is.
    pub(crate) async fn run(
        &self,
        call: &Call,
        read: Option<&Read<'_>>,
        may_be_large: bool,
    ) -> Result<()> {
        self.repeat(call, End::Read { read, may_be_large }).await.map(|_| ())
    }
}

fn object(text: &str) -> serde_json::Result<String> {
    Members::parse(text).map(|_| text.to_owned())
}

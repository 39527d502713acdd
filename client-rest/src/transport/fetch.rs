//! The browser's own connections, by `fetch`: in a page, in a worker, and in Node.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::stream;
use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use windlass_core::{Error, Result};

use crate::address::Address;
use crate::options::RestOptions;
use crate::transport::{Chunks, JSON, Parts, Request, Silence, Unanswered};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = Headers)]
    type Head;
    #[wasm_bindgen(constructor, js_class = Headers)]
    fn new() -> Head;
    #[wasm_bindgen(method, catch)]
    fn set(this: &Head, name: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    fn get(this: &Head, name: &str) -> Option<String>;

    #[wasm_bindgen(js_name = AbortController)]
    type Abort;
    #[wasm_bindgen(constructor, js_class = AbortController)]
    fn new() -> Abort;
    #[wasm_bindgen(method, getter)]
    fn signal(this: &Abort) -> JsValue;
    #[wasm_bindgen(method)]
    fn abort(this: &Abort);

    type Answer;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Answer) -> u16;
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Answer) -> Head;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Answer) -> Option<Body>;

    type Body;
    #[wasm_bindgen(method, js_name = getReader)]
    fn reader(this: &Body) -> Reader;

    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> Promise;

    /// `{done, value}`.
    type Piece;
    #[wasm_bindgen(method, getter)]
    fn value(this: &Piece) -> Option<Uint8Array>;

    #[wasm_bindgen(js_name = URL)]
    type Place;
    #[wasm_bindgen(constructor, catch, js_class = URL)]
    fn new(text: &str) -> Result<Place, JsValue>;
    #[wasm_bindgen(method, getter, structural)]
    fn protocol(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn username(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn password(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn search(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn hash(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn hostname(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn port(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn pathname(this: &Place) -> String;
    #[wasm_bindgen(method, getter, structural)]
    fn origin(this: &Place) -> String;
}

/// Bytes of all calls under way that may outlive their page. Browsers take 64 KiB, and refuse what goes beyond.
const OUTLIVING: usize = 60 * 1024;

thread_local! {
    /// What such calls have now.
    static OUTLIVE: Cell<usize> = const { Cell::new(0) };
}

/// What authorizes. Clones share it; the connections are the browser's.
#[derive(Clone)]
pub(crate) struct Transport {
    key: Option<Rc<str>>,
}

impl Transport {
    /// `bearer` is what authorizes.
    ///
    /// # Errors
    ///
    /// `invalid_argument` for a file of certificates: the browser has its own.
    pub(crate) fn open(_: &Address, options: &RestOptions, bearer: Option<String>) -> Result<Self> {
        if options.ca_file.is_some() {
            let reason = "cannot be given in a browser, which has its own";
            return Err(Error::invalid("ca_file", reason));
        }
        Ok(Self { key: bearer.map(Rc::from) })
    }

    /// The head of the answer to `asked`. Dropped, it aborts the request.
    pub(crate) async fn send(&self, asked: Request<'_>) -> Result<Response, Unanswered> {
        let headers = Head::new();
        let set =
            |name: &str, value: &str| headers.set(name, value).map_err(|_| Unanswered::Unsendable);
        set("accept", asked.accept)?;
        if let Some(key) = &self.key {
            set("authorization", key)?;
        }
        if let Some(tenant) = asked.tenant {
            // A header holds bytes, and `fetch` takes each for a character.
            set("windlass-tenant", &tenant.bytes().map(char::from).collect::<String>())?;
        }
        let abort = Abort::new();
        let init = Object::new();
        let put = |name: &str, value: &JsValue| Reflect::set(&init, &name.into(), value);
        let mut done = put("method", &asked.verb.method.into());
        let mut outlives = 0;
        if let Some(body) = &asked.body {
            set("content-type", JSON)?;
            done = done.and(put("body", &Uint8Array::from(&body[..])));
        }
        let size = asked.body.as_ref().map_or(0, Bytes::len);
        if asked.verb.outlives && OUTLIVE.get() + size <= OUTLIVING {
            OUTLIVE.set(OUTLIVE.get() + size);
            outlives = size;
            done = done.and(put("keepalive", &true.into()));
        }
        done = done.and(put("headers", &headers)).and(put("signal", &abort.signal()));
        // Cookies of the same place may be what a proxy before the server asks for; no other place gets any.
        done = done.and(put("credentials", &"same-origin".into()));
        done = done.and(put("cache", &"no-store".into()));
        done = done.and(put("redirect", &"manual".into()));
        let abort = Aborts { abort: Some(abort), outlives };
        let answer = match done.and_then(|_| fetch(&asked.url, &init)) {
            Ok(answer) => JsFuture::from(answer).await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| Unanswered::Silent(silence(&error)))?;
        Ok(Response { answer: answer.unchecked_into(), abort })
    }
}

/// Aborts its request when it is dropped before the end.
struct Aborts {
    abort: Option<Abort>,
    /// Bytes that it had of what may outlive the page.
    outlives: usize,
}

impl Aborts {
    /// There is nothing more to abort.
    fn ended(&mut self) {
        self.abort = None;
    }
}

impl Drop for Aborts {
    fn drop(&mut self) {
        OUTLIVE.set(OUTLIVE.get() - self.outlives);
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

/// An answer whose body may still be on its way.
pub(crate) struct Response {
    answer: Answer,
    abort: Aborts,
}

impl Response {
    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        match self.answer.status() {
            // A redirect that is not followed; a browser tells no more of it.
            0 => 302,
            status => status,
        }
    }

    /// A header's text, if the page may see it.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.answer.headers().get(name)
    }

    /// How many bytes it says it has. What was packed for the way says how many those were: none is told.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.header("content-encoding") {
            Some(_) => None,
            None => self.header("content-length")?.parse().ok(),
        }
    }

    /// Its body.
    pub(crate) fn chunks(self) -> Chunks {
        let reader = self.answer.body().map(|body| body.reader());
        let left = self.length();
        Box::pin(stream::unfold(
            (reader, self.abort, left),
            |(reader, mut abort, left)| async move {
                let reader = reader?;
                match JsFuture::from(reader.read()).await {
                    Ok(piece) => match piece.unchecked_into::<Piece>().value() {
                        Some(bytes) => {
                            let bytes = Bytes::from(bytes.to_vec());
                            let left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                            // All is here: nothing is left to abort, whether or not the end is looked at.
                            if left == Some(0) {
                                abort.ended();
                            }
                            Some((Ok(bytes), (Some(reader), abort, left)))
                        }
                        None => {
                            abort.ended();
                            None
                        }
                    },
                    Err(error) => Some((Err(silence(&error)), (None, abort, left))),
                }
            },
        ))
    }
}

/// What a status is called. A browser need not know.
pub(crate) fn reason(_: u16) -> Option<&'static str> {
    None
}

/// Takes a URL apart; why it is none.
pub(crate) fn parts(text: &str) -> Result<Parts, String> {
    let url = Place::new(text).map_err(|_| "is no URL".to_owned())?;
    let scheme = url.protocol().trim_end_matches(':').to_owned();
    let known = if scheme == "https" { 443 } else { 80 };
    Ok(Parts {
        has_login: !url.username().is_empty() || !url.password().is_empty(),
        has_more: !url.search().is_empty() || !url.hash().is_empty(),
        host: url.hostname(),
        port: url.port().parse().unwrap_or(known),
        path: url.pathname(),
        origin: url.origin(),
        // The browser itself keeps pages from what is not encrypted.
        is_loopback: true,
        scheme,
    })
}

/// What the browser says of a failure, which is little: it keeps from a page what other places answer.
fn silence(error: &JsValue) -> Silence {
    let said = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    let said = said.unwrap_or_else(|| "no answer".to_owned());
    let reason = format!("{said} (no connection, or the server does not take calls of this page)");
    Silence { reason, source: None }
}

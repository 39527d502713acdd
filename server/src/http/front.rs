//! What every request passes, whatever it asks: name, key, origin, answer in form, log line.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::header::{EXPECT, HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use tower::Service as _;
use windlass_core::{Error, Result, Timestamp};

use super::caller::{Caller, REQUEST_ID, RequestId};
use super::cors::Cors;
use super::peer::Peer;
use super::problem::Fault;
use super::serving::{Serving, unavailable};
use super::unread::{Left, Read};
use super::{compress, log, unread};

static WINDLASS_TIME: HeaderName = HeaderName::from_static("windlass-time");

/// What is read and dropped of a body that was refused, at least.
const DROPPED: usize = 64 << 20;

/// Answers the requests of one connection.
pub(crate) struct Front {
    pub(crate) serving: Arc<Serving>,
    pub(crate) router: Router,
    pub(crate) cors: Option<Arc<Cors>>,
    pub(crate) peer: Arc<Peer>,
}

impl hyper::service::Service<Request<Incoming>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let started = Instant::now();
        let (serving, cors) = (self.serving.clone(), self.cors.clone());
        let (router, peer) = (self.router.clone(), self.peer.clone());
        let busy = peer.begins();
        Box::pin(async move {
            let _busy = busy;
            let request_id = RequestId::of(request.headers());
            let entry = log::Entry::of(&request, started);
            let method = request.method().clone();
            let under_api = request.uri().path().starts_with("/api");
            let accepts = compress::accepted(request.headers());
            let origin = cors.as_ref().and_then(|cors| cors.allowed(request.headers()));
            let preflight = cors.as_ref().and_then(|cors| cors.preflight(&request));
            // Who asks first whether to send at all is told, and sends nothing.
            let sends = !request.body().is_end_stream() && !request.headers().contains_key(EXPECT);
            let (request, left) = watched(request, sends);
            let mut response = match preflight {
                Some(response) => response,
                None => route(&serving, cors.as_deref(), router, request, &peer).await,
            };
            // Who was too slow already is not waited for again.
            if let Some(left) = left.filter(|_| response.status() != StatusCode::REQUEST_TIMEOUT) {
                let most = serving.options.body_limit.saturating_mul(16).max(DROPPED);
                unread::drop_rest(&left, most, serving.options.body_timeout).await;
            }
            if let Some(fault) = response.extensions_mut().remove::<Fault>() {
                log::trouble(&fault, &request_id);
                fault.write(&mut response, serving.now(), request_id.as_str());
            }
            let headers = response.headers_mut();
            if under_api {
                headers.insert(WINDLASS_TIME.clone(), time(&serving));
            }
            headers.insert(REQUEST_ID.clone(), request_id.value());
            if let Some(cors) = &cors {
                cors.expose(headers, origin);
            }
            let path = peer.take_path();
            let matched = path.as_ref().map(MatchedPath::as_str);
            let status = response.status().as_u16();
            serving.metrics.http().answered(&method, matched, status, started.elapsed());
            if let Some(entry) = entry {
                entry.write(&response, &request_id, path);
            }
            if accepts { Ok(compress::compressed(response).await) } else { Ok(response) }
        })
    }
}

/// The request, and where the rest of its body will be if it has one.
fn watched(request: Request<Incoming>, sends: bool) -> (Request<Body>, Option<Left>) {
    if !sends {
        return (request.map(Body::new), None);
    }
    let (head, body) = request.into_parts();
    let (body, left) = Read::of(body);
    (Request::from_parts(head, Body::new(body)), Some(left))
}

async fn route(
    serving: &Serving,
    cors: Option<&Cors>,
    mut router: Router,
    mut request: Request<Body>,
    peer: &Arc<Peer>,
) -> Response {
    match admit(serving, cors, &request, peer) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            let Ok(response) = router.call(request).await;
            response
        }
        Err(error) => Fault(error).into_response(),
    }
}

/// Whether a request may come in, and who asks.
fn admit(
    serving: &Serving,
    cors: Option<&Cors>,
    request: &Request<Body>,
    peer: &Arc<Peer>,
) -> Result<Caller> {
    let headers = request.headers();
    let path = request.uri().path();
    let line =
        request.method().as_str().len() + path.len() + request.uri().query().map_or(0, str::len);
    let size = headers.iter().fold(line, |sum, (n, v)| sum + n.as_str().len() + v.len() + 4);
    if size > serving.options.header_limit {
        let limit = serving.options.header_limit;
        let reason = format!("line and headers have {size} bytes, over the limit of {limit}");
        return Err(Error::Api { status_code: 431, reason });
    }
    let guarded = path.starts_with("/api") || path == "/metrics";
    let open = !guarded || path.starts_with("/api/v1/health");
    match &serving.key {
        Some(key) if !open => key.check(headers)?,
        Some(_) => {}
        // Without a key whoever can connect may call; a web page that this machine's browser shows can
        // connect, too, and must not be able to.
        None => from_this_machine(request, cors)?,
    }
    if serving.is_draining() && !open {
        return Err(unavailable("the server is going down"));
    }
    Caller::of(headers, peer.clone())
}

/// Refuses what a foreign web page sends to a server without a key: it names its own origin, or, when
/// its host name was made to point to this machine, a foreign host.
fn from_this_machine(request: &Request<Body>, cors: Option<&Cors>) -> Result<()> {
    let headers = request.headers();
    let refused = |reason: &str| Error::Api { status_code: 403, reason: reason.to_owned() };
    let host = headers.get(HOST).map_or(Some(""), |host| host.to_str().ok());
    if !host.is_some_and(is_local) {
        return Err(refused("without a key the server answers only to names of this machine"));
    }
    let harmless = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let Some(origin) = headers.get(ORIGIN).filter(|_| !harmless) else { return Ok(()) };
    let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let local = page.is_some_and(|(_, host)| is_of_this_machine(host));
    if local || cors.is_some_and(|cors| cors.allowed(headers).is_some()) {
        return Ok(());
    }
    Err(refused("this origin is not one that the server was told to allow"))
}

/// Whether a request that was sent to this host was meant for this machine: a name that is this machine's
/// own, or an address, which no foreign page can give to a name.
fn is_local(host: &str) -> bool {
    let name = without_port(host);
    name.is_empty() || address(name).is_some() || is_of_this_machine(name)
}

/// Whether this host, which a page came from, is this machine. An address alone is not: pages are served
/// from addresses, too.
fn is_of_this_machine(host: &str) -> bool {
    let name = without_port(host);
    let ends = |end: &str| {
        let start = name.len().checked_sub(end.len()).and_then(|start| name.get(start..));
        start.is_some_and(|last| last.eq_ignore_ascii_case(end))
    };
    name.eq_ignore_ascii_case("localhost")
        || ends(".localhost")
        || address(name).is_some_and(|ip| ip.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn address(name: &str) -> Option<IpAddr> {
    name.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn time(serving: &Serving) -> HeaderValue {
    thread_local! {
        /// The last one: many answers are given within one millisecond.
        static LAST: RefCell<Option<(Timestamp, HeaderValue)>> = const { RefCell::new(None) };
    }
    let now = serving.now();
    LAST.with_borrow_mut(|last| match last {
        Some((at, text)) if *at == now => text.clone(),
        _ => {
            let text = HeaderValue::try_from(now.to_string())
                .unwrap_or_else(|_| HeaderValue::from_static(""));
            last.insert((now, text)).1.clone()
        }
    })
}

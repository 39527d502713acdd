//! Requests, streams and connections of the server.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::Method;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::observe::histogram::{Histogram, QUICK};
use crate::observe::interned::Interned;

/// Routes that have a label of their own. A server has fewer.
const ROUTES: usize = 120;
/// The label of what no route answers.
const NO_ROUTE: &str = "none";

const METHODS: [&str; 8] = ["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "other"];

/// Statuses that the server gives; the last stands for any other.
const STATUSES: [u16; 25] = [
    200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 431,
    500, 501, 503, 504, 507, 0,
];

/// What was asked of the server, and what is open.
#[derive(Debug)]
pub struct Http {
    routes: Interned<Route>,
    connections: Arc<AtomicU64>,
    streams: AtomicU64,
}

#[derive(Debug, Default)]
struct Route {
    methods: [OnceLock<Box<Answers>>; METHODS.len()],
}

#[derive(Debug)]
struct Answers {
    by_status: [AtomicU64; STATUSES.len()],
    took: Histogram,
}

/// Something that is open: counted until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Open(Arc<AtomicU64>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Http {
    pub(super) fn new() -> Self {
        Self {
            routes: Interned::new(ROUTES),
            connections: Arc::default(),
            streams: AtomicU64::new(0),
        }
    }

    /// A request was answered. `route` is the pattern that matched, such as `/api/v1/tasks/{id}`, never
    /// the path itself; `took` is the time until the head of the answer was ready.
    ///
    /// Takes no lock, and allocates only for the first request of a route and method.
    pub fn answered(&self, method: &Method, route: Option<&str>, status: u16, took: Duration) {
        let method = METHODS.iter().position(|known| *known == method.as_str());
        let route = self.routes.of(route.unwrap_or(NO_ROUTE));
        let answers = route.methods[method.unwrap_or(METHODS.len() - 1)].get_or_init(|| {
            Box::new(Answers {
                by_status: std::array::from_fn(|_| AtomicU64::new(0)),
                took: Histogram::new(QUICK),
            })
        });
        let place = STATUSES.iter().position(|known| *known == status);
        answers.by_status[place.unwrap_or(STATUSES.len() - 1)].fetch_add(1, Ordering::Relaxed);
        answers.took.observe(took);
    }

    /// A connection was accepted; it counts until the answer is dropped.
    pub fn connection(&self) -> Open {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Open(self.connections.clone())
    }

    /// How many streams of events and held answers are open now.
    pub fn streams_are(&self, count: usize) {
        self.streams.store(count as u64, Ordering::Relaxed);
    }
}

impl Collector for Http {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut routes = self.routes.all();
        routes.push(("other", self.routes.others()));
        let mut rows: Vec<(&str, &str, &Answers)> = Vec::new();
        for (name, route) in routes {
            for (method, answers) in METHODS.iter().zip(&route.methods) {
                rows.extend(answers.get().map(|answers| (name, *method, &**answers)));
            }
        }
        let help = "Requests by method, route and the status of the answer.";
        let mut family =
            encoder.encode_descriptor("windlass_http_requests", help, None, MetricType::Counter)?;
        for (route, method, answers) in &rows {
            for (status, count) in STATUSES.iter().zip(&answers.by_status) {
                let count = count.load(Ordering::Relaxed);
                if count == 0 {
                    continue;
                }
                let status = if *status == 0 { "other".to_owned() } else { status.to_string() };
                let labels = [("method", *method), ("route", *route), ("status", &status)];
                family
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, u64, f64>(&count, None)?;
            }
        }
        let help = "From a request's head to the head of its answer, waits asked for included.";
        let mut family = encoder.encode_descriptor(
            "windlass_http_request",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (route, method, answers) in &rows {
            let labels = [("method", *method), ("route", *route)];
            answers.took.encode(family.encode_family(&labels)?)?;
        }
        for (name, help, count) in [
            ("windlass_http_connections", "Connections that are open.", &*self.connections),
            (
                "windlass_http_streams",
                "Event streams and held answers that are open.",
                &self.streams,
            ),
        ] {
            let count = count.load(Ordering::Relaxed);
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&count)?;
        }
        Ok(())
    }
}

//! A server: whether it answers, which version it is, whether workers could get tasks from it.

use windlass::rest::{RestOptions, RestService};
use windlass::runtime::host::SharedHost;
use windlass::{ConnectOptions, Error, Timestamp};

use super::check::Check;
use crate::cli::connect::Address;

/// Looks at the server; answers its time, or nothing when there is no use in asking it more.
pub(super) async fn look(
    address: &Address,
    options: &ConnectOptions,
    host: SharedHost,
    checks: &mut Vec<Check>,
) -> Option<Timestamp> {
    let rest = RestOptions {
        api_key: options.api_key.clone(),
        retry: options.retry.clone(),
        ca_file: options.ca_file.clone(),
        ..RestOptions::default()
    };
    let server = RestService::new(&address.url, rest, host);
    let server = server.map_err(|error| checks.push(Check::error("server", &error))).ok()?;
    let health = match server.health().await {
        Ok(health) => health,
        Err(error) => {
            checks.push(unreached(&error));
            return None;
        }
    };
    let own = env!("CARGO_PKG_VERSION");
    let said = format!("windlass {}, on {}", health.version, health.location);
    checks.push(match health.version == own {
        true => Check::ok("server", said),
        false => {
            Check::warn("server", format!("{said}; this is {own}"), "bring both to one version")
        }
    });
    checks.push(match server.ready().await {
        Ok(()) => Check::ok("ready", "a worker would be given work".to_owned()),
        Err(error) => Check::error("ready", &error),
    });
    Some(health.time)
}

fn unreached(error: &Error) -> Check {
    let detail = format!("{error} ({})", error.code());
    let hint = match error {
        Error::StoreUnavailable { .. } => {
            "is it running, and is this its address? `windlass serve` starts one, `windlass dev` one \
             to develop with"
        }
        _ => "is this the address of a Windlass server? check --url or WINDLASS_URL",
    };
    Check::fail("server", detail, hint)
}

//! Where the console is: its page, its files, and what it must know first.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::answer::Answer;
use super::ask::Ask;
use super::compress::AsItIs;
use super::problem::Fault;
use super::serving::Serving;
use crate::console::{self, About, Asked, Assets, Console};

/// Adds the console's paths, unless it is not served.
pub(crate) fn add(router: Router<Arc<Serving>>, console: Console) -> Router<Arc<Serving>> {
    if console == Console::Off {
        return router;
    }
    let assets = console::built();
    let page = get(move |ask: Ask| async move { page(assets, &ask) });
    let file = get(move |ask: Ask| async move { file(assets, &ask) });
    let mut router = router
        .route("/", page.clone())
        .route("/index.html", page)
        .route("/assets/{*path}", file.clone())
        .route("/console.json", get(about));
    for asset in assets {
        let at_root = asset.path.rfind('/') == Some(0) && asset.path != "/index.html";
        if at_root && asset.path != "/console.json" {
            router = router.route(asset.path, file.clone());
        }
    }
    router
}

/// What answers where no path is: the console's page to who asks for one, so that the address of each view
/// can be opened.
pub(crate) fn elsewhere(console: Console, ask: &Ask) -> Option<Response> {
    let served = console != Console::Off && console::is_page(&asked(ask));
    served.then(|| page(console::built(), ask))
}

fn page(assets: Assets, ask: &Ask) -> Response {
    as_it_is(console::page(assets, &asked(ask)))
}

fn file(assets: Assets, ask: &Ask) -> Response {
    match console::file(assets, &asked(ask)) {
        Some(response) => as_it_is(response),
        None => Fault::api(404, "there is nothing at this path").into_response(),
    }
}

async fn about(State(serving): State<Arc<Serving>>, ask: Ask) -> Answer {
    ask.query(&[])?;
    Ok(console::about(&About {
        version: env!("CARGO_PKG_VERSION"),
        read_only: serving.options.console == Console::ReadOnly,
        key_required: serving.key.is_some(),
    }))
}

fn asked(ask: &Ask) -> Asked<'_> {
    let parts = &ask.parts;
    Asked { method: &parts.method, path: parts.uri.path(), headers: &parts.headers }
}

/// Its tag names these very bytes: nobody compresses them on the way.
fn as_it_is(mut response: Response) -> Response {
    response.extensions_mut().insert(AsItIs);
    response
}

//! The files of the console.

/// A file, and its compressed forms where it has them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    /// Where it is served, such as `/assets/index-4f2a.js`.
    pub(crate) path: &'static str,
    /// Begin of the digest of its bytes.
    pub(crate) digest: &'static str,
    pub(crate) identity: &'static [u8],
    pub(crate) brotli: Option<&'static [u8]>,
    pub(crate) gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/console_assets.rs"));

/// Every file, by path.
pub(crate) type Assets = &'static [Asset];

/// Those of this build; none when it was built without the console.
pub(crate) fn built() -> Assets {
    BUILT
}

/// The file at a path.
pub(super) fn find(assets: Assets, path: &str) -> Option<&'static Asset> {
    assets.iter().find(|asset| asset.path == path)
}

impl Asset {
    /// Its type, by the end of its name.
    pub(super) fn kind(&self) -> &'static str {
        let end = self.path.rsplit_once('.').map_or("", |(_, end)| end);
        match end {
            "html" => "text/html; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "wasm" => "application/wasm",
            "svg" => "image/svg+xml",
            "png" => "image/png",
            "ico" => "image/x-icon",
            "webp" => "image/webp",
            "woff2" => "font/woff2",
            "json" | "map" => "application/json",
            "webmanifest" => "application/manifest+json",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    /// Whether its name changes with its content, as the build names what it puts there.
    pub(super) fn is_named_by_content(&self) -> bool {
        self.path.starts_with("/assets/")
    }
}

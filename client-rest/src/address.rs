//! Where a server is, and where its verbs are.

use windlass_core::rules::urls;
use windlass_core::{Error, Result};

use crate::transport::parts;

/// A server's place: `http://host:port/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Without a slash at its end.
    base: String,
    /// Host and port, for people.
    place: String,
    is_https: bool,
    is_loopback: bool,
}

impl Address {
    /// Reads a URL. Its path is a prefix of every verb's; `/api/v1` at its end is left out, because
    /// every verb has it.
    ///
    /// # Errors
    ///
    /// `invalid_url`, without what may be secret.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refused =
            |reason: &str| Error::InvalidUrl { url: urls::shown(text), reason: reason.to_owned() };
        let url = parts(text).map_err(|reason| refused(&reason))?;
        let is_https = match url.scheme.as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(refused("must begin with http:// or https://")),
        };
        if url.has_login {
            return Err(refused("must not hold a login; the key goes into api_key"));
        }
        if url.has_more {
            return Err(refused("must end with the path: no ? and no #"));
        }
        // A reader of URLs would take the first word of the path for the host.
        if url.host.is_empty()
            || text.split_once("://").is_none_or(|(_, rest)| rest.starts_with(['/', '\\']))
        {
            return Err(refused("names no host"));
        }
        let place = format!("{}:{}", url.host, url.port);
        let prefix = url.path.trim_end_matches('/');
        let prefix = prefix.strip_suffix("/api/v1").unwrap_or(prefix).trim_end_matches('/');
        let base = format!("{}{prefix}", url.origin);
        Ok(Self { base, place, is_https, is_loopback: url.is_loopback })
    }

    /// The URL of a path below `/api/v1`, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base)
    }

    /// The server, for people and logs.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Host and port.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) const fn is_https(&self) -> bool {
        self.is_https
    }

    pub(crate) const fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

/// A name as one segment of a path.
///
/// # Errors
///
/// `invalid_argument` with `field` for `.` and `..`, which no URL can name.
pub(crate) fn segment(field: &str, name: &str) -> Result<String> {
    match name {
        "." | ".." => Err(Error::invalid(field, "cannot be named in a URL: it is . or ..")),
        "" => Err(Error::invalid(field, "must not be empty")),
        _ => Ok(encode(name)),
    }
}

/// Text with everything but letters, digits and `-._~` as `%XX` (RFC 3986, section 2.1).
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A path with the parameters that have a value.
pub(crate) fn with_query(path: &str, query: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_prefix_and_slashes_at_its_end_are_nothing() {
        for (url, verb, place) in [
            ("http://h", "http://h/api/v1/tasks", "h:80"),
            ("http://h:8420/", "http://h:8420/api/v1/tasks", "h:8420"),
            ("HTTPS://H/x//", "https://h/x/api/v1/tasks", "h:443"),
            ("http://[::1]:9/x/y", "http://[::1]:9/x/y/api/v1/tasks", "[::1]:9"),
            ("http://h/x/api/v1/", "http://h/x/api/v1/tasks", "h:80"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.at("/tasks").as_str(), address.place()), (verb, place), "{url}");
        }
        assert!(Address::parse("http://[::1]:9").unwrap().is_loopback());
        assert!(Address::parse("http://127.0.0.2").unwrap().is_loopback());
        assert!(!Address::parse("http://10.0.0.2").unwrap().is_loopback());
    }

    #[test]
    fn a_url_that_is_none_is_refused_without_its_secrets() {
        for url in [
            "http://",
            "http:///x",
            "ftp://h",
            "http://me:secret@h/",
            "https://secret@h",
            "http:me:secret@h",
            "http://h/?key=secret",
            "http://h/#a",
            "http://h:99999",
            "h:80",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.code(), "invalid_url", "{url}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn names_are_kept_whole() {
        assert_eq!(segment("queue", "a/b c?ü%").unwrap(), "a%2Fb%20c%3F%C3%BC%25");
        assert_eq!(segment("queue", "..").unwrap_err().code(), "invalid_argument");
        let query = [("label.a b", "1&2"), ("limit", "5")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(with_query("/tasks", &query), "/tasks?label.a%20b=1%262&limit=5");
        assert_eq!(with_query("/tasks", &[]), "/tasks");
    }
}

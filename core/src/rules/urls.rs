//! URLs for people: without what may be secret.

/// A URL as it may stand in messages and logs: without a password, and without a query or fragment where
/// it is no file's.
pub fn shown(url: &str) -> String {
    // A path of this machine, in which every sign may stand.
    if url.starts_with("sqlite:") || url.starts_with("memory:") {
        return url.to_owned();
    }
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // An unescaped password may hold what ends the authority: then nothing is known for sure.
    if path.contains('@') || (scheme.is_empty() && rest.contains('@')) {
        return format!("{scheme}***");
    }
    let authority = match authority.rsplit_once('@') {
        None => authority.to_owned(),
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:***@{host}"),
            // A lone word is a key as a rule.
            None => format!("***@{host}"),
        },
    };
    match path.find(['?', '#']) {
        Some(end) => format!("{scheme}{authority}{}***", &path[..=end]),
        None => format!("{scheme}{authority}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_shown() {
        for (url, expected) in [
            ("postgres://me:secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:secret@host/db?password=secret", "postgres://me:***@host/db?***"),
            ("postgres://me:se@secret@host/db", "postgres://me:***@host/db"),
            ("https://secret@host:1/x", "https://***@host:1/x"),
            ("https://me:se/secret@host", "https://***"),
            ("https://me:se?secret@host", "https://***"),
            ("https://host/?key=a@secret", "https://***"),
            ("https://host/x#secret", "https://host/x#***"),
            ("http:me:secret@host", "***"),
            ("me:secret@host", "***"),
            ("ftp://host/x", "ftp://host/x"),
            ("host:80/x", "host:80/x"),
            ("sqlite:/a/b@c?d.db", "sqlite:/a/b@c?d.db"),
            ("memory:", "memory:"),
            ("", ""),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
    }
}

//! What a server says when it says no, handed on in its words.

use std::time::Duration;

use windlass_core::Error;
use windlass_core::error::Told;
use windlass_core::words::members::Members;
use windlass_core::words::{known_code, number};

/// The error that a body tells; `None` when it tells none of ours.
pub(super) fn told(text: &str, status: u16) -> Option<Error> {
    let error = Members::parse(Members::parse(text).ok()?.get("error")?).ok()?;
    let (code, message) = (error.text("code").ok()?, error.text("message").ok()?);
    // `api_error` stands for what is no error of ours, too.
    let Some(code) = known_code(&code).filter(|code| *code != "api_error") else {
        // What stands before a server has words of its own for these.
        let foreign = matches!(status, 401 | 403 | 429);
        return (!foreign).then_some(Error::Api { status_code: status, reason: message });
    };
    let details = error.get("details").unwrap_or("{}");
    let seconds = Members::parse(details).ok()?.get("retry_after_seconds").and_then(number::read);
    Some(Error::Told(Box::new(Told {
        code,
        status,
        message,
        details: details.to_owned(),
        retry_after: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_handed_on_in_the_servers_words() {
        let text = r#"{"error":{"code":"queue_full","message":"full","details":{"queue":"q","limit":1,"retry_after_seconds":2.5}}}"#;
        let error = told(text, 429).unwrap();
        assert_eq!(
            (error.code(), error.http_status(), &*error.to_string()),
            ("queue_full", 429, "full")
        );
        assert_eq!(error.fields()["limit"], 1);
        assert_eq!(crate::answer::waits(&error), Some(Duration::from_millis(2500)));
        assert!(error.is_retryable());
        let unknown = r#"{"error":{"code":"who_are_you","message":"x"}}"#;
        assert!(told(unknown, 403).is_none() && told("<html>", 500).is_none());
        assert_eq!(told(unknown, 502).unwrap().code(), "api_error");
    }
}

//! The key between a client and a server: from a file or a variable, never from the command line,
//! where every user of the machine could read it.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::origin::{Origin, first_variable, variable};

/// Longest key that is taken, in bytes.
const LONGEST: usize = 4_096;

/// A key and where it was found. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    secret: String,
    origin: Origin,
    /// The file that holds it, if one does.
    file: Option<PathBuf>,
}

/// Which key is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The one that a client sends.
    Client,
    /// The one that a server demands.
    Server,
}

impl Holder {
    /// The variable that holds the key itself, and the one that names its file.
    pub(crate) const fn variables(self) -> [&'static str; 2] {
        match self {
            Self::Client => ["WINDLASS_API_KEY", "WINDLASS_API_KEY_FILE"],
            Self::Server => ["WINDLASS_SERVER_KEY", "WINDLASS_SERVER_KEY_FILE"],
        }
    }
}

impl Key {
    /// From the file of `--api-key-file`, else the holder's variable, else the file that its other
    /// variable names; `None` when nobody names one.
    ///
    /// # Errors
    ///
    /// Exit 2: the file cannot be read, or what was found is no key.
    pub(crate) fn find(option: Option<&Path>, holder: Holder) -> Result<Option<Self>, Failure> {
        let [direct, named] = holder.variables();
        if let Some(path) = option {
            return Self::read(path, Origin::Option("--api-key-file")).map(Some);
        }
        if let Some(secret) = variable(direct) {
            return Self::checked(secret, Origin::Variable(direct), None).map(Some);
        }
        match first_variable(&[named]) {
            Some((path, origin)) => Self::read(Path::new(&path), origin).map(Some),
            None => Ok(None),
        }
    }

    fn read(path: &Path, origin: Origin) -> Result<Self, Failure> {
        let mut text = String::new();
        let most = LONGEST as u64 + 2;
        let read = std::fs::File::open(path).and_then(|f| f.take(most).read_to_string(&mut text));
        if let Err(error) = read {
            return Err(Failure::usage(
                format!("cannot read the key in {} (from {origin}): {error}", path.display()),
                "the file holds the key alone, on one line; only its user should be able to read it",
            ));
        }
        // Editors and `echo` end the line.
        let secret = text.trim_end_matches(['\r', '\n']).to_owned();
        Self::checked(secret, origin, Some(path.to_owned()))
    }

    fn checked(secret: String, origin: Origin, file: Option<PathBuf>) -> Result<Self, Failure> {
        let wrong = match secret.len() {
            0 => "it is empty",
            // A header carries it.
            1..=LONGEST if secret.bytes().all(|byte| byte.is_ascii_graphic()) => {
                return Ok(Self { secret, origin, file });
            }
            1..=LONGEST => "it has characters other than visible ASCII",
            _ => "it is longer than 4096 bytes",
        };
        let place = file.map_or_else(String::new, |path| format!(" in {}", path.display()));
        Err(Failure::usage(
            format!("the key{place} (from {origin}) cannot be used: {wrong}"),
            "make one, for example: openssl rand -hex 32 > server.key",
        ))
    }

    /// The key itself.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// Where it was found.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// The key for people: only where it lies.
    pub(crate) fn masked(&self) -> String {
        self.file.as_ref().map_or_else(|| "***".to_owned(), |file| file.display().to_string())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, from {})", self.masked(), self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(secret: &str) -> Result<Key, Failure> {
        Key::checked(secret.to_owned(), Origin::Variable("WINDLASS_API_KEY"), None)
    }

    #[test]
    fn a_key_is_visible_ascii_and_never_shown() {
        let key = checked("s3cret").unwrap();
        assert_eq!(key.secret(), "s3cret");
        assert!(!format!("{key:?}").contains("s3cret"));
        for wrong in ["", "two words", "line\nline", "schlüssel", &"x".repeat(LONGEST + 1)] {
            let Err(Failure::Report(report)) = checked(wrong) else { panic!("{wrong:?}") };
            assert_eq!((report.exit, report.code), (2, "invalid_argument"));
            assert!(wrong.is_empty() || !report.text.contains(wrong), "{}", report.text);
        }
    }
}

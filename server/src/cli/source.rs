//! Text from a file or from standard input.

use std::io::Read;

use windlass::Error;

use crate::cli::failure::Failure;

/// Most that is read, in bytes: what a server takes at once.
const MOST: u64 = 16 << 20;

/// The text of the file, or with `-` of standard input.
///
/// # Errors
///
/// Exit 2 when it cannot be read, is no UTF-8, or is too large.
pub(crate) fn read(file: &str) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        let what = if file == "-" { "standard input" } else { file };
        Failure::from(Error::invalid("file", format!("cannot read {what}: {error}")))
    };
    let mut bytes = Vec::new();
    let read = match file {
        "-" => std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes),
        path => {
            std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
        }
    };
    read.map_err(unreadable)?;
    windlass::rules::limits::size("file", bytes.len(), MOST as usize)?;
    String::from_utf8(bytes).map_err(|error| {
        let reason = format!("not UTF-8: {}", error.utf8_error());
        Error::invalid("file", reason).into()
    })
}

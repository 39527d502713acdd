//! How many files, and so connections, this process may have open.

/// Files that the process needs beside its connections: stores, logs, the listener.
const OTHERS: u64 = 64;

/// Raises the limit as far as the system lets, and returns how many connections it leaves room for,
/// at most `wanted`.
#[cfg(unix)]
pub(crate) fn connections(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut now = current;
    if current != maximum
        && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok()
    {
        now = maximum;
    }
    // `None` is no limit.
    let Some(files) = now else { return wanted };
    let room = usize::try_from(files.saturating_sub(OTHERS)).unwrap_or(usize::MAX).max(1);
    if room < wanted {
        tracing::warn!(
            "the system lets this process open {files} files: at most {room} connections, not {wanted}"
        );
    }
    room.min(wanted)
}

/// How many connections there may be: as many as wanted.
#[cfg(not(unix))]
pub(crate) fn connections(wanted: usize) -> usize {
    wanted
}

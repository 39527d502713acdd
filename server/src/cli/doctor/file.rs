//! The file of a SQLite store, those beside it, and its schema.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::check::Check;
use crate::cli::output::text::size;

/// What SQLite and Windlass keep beside the database while it is in use.
const BESIDE: [&str; 5] = ["wal", "shm", "turn", "gate", "wake"];

/// A write-ahead log above this was not carried over into the database for long.
const LONG_LOG: u64 = 256 << 20;

/// Looks at the file; answers whether it can be opened without making or changing anything.
pub(super) fn look(path: &Path, origin: &str, checks: &mut Vec<Check>) -> bool {
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            checks.push(Check::fail(
                "location",
                format!("there is no store at {}", path.display()),
                missing_hint(path, origin),
            ));
            return false;
        }
        Err(error) => {
            let hint = "make the folder readable for this user";
            checks.push(Check::fail("location", format!("{}: {error}", path.display()), hint));
            return false;
        }
    };
    if data.is_dir() {
        let detail = format!("{} is a folder", path.display());
        checks.push(Check::fail("location", detail, "name a file in it"));
        return false;
    }
    let bytes = usize::try_from(data.len()).unwrap_or(usize::MAX);
    checks.push(Check::ok("location", format!("{} ({})", path.display(), size(bytes))));
    checks.push(durability(path));
    let writable = permissions(path, &data, checks);
    checks.push(side_files(path));
    schema(path, checks) && writable
}

fn missing_hint(path: &Path, origin: &str) -> String {
    let folder = path.parent().filter(|folder| !folder.exists());
    match folder {
        Some(folder) => format!("the folder {} does not exist; create it first", folder.display()),
        None => format!("the path is from {origin}; the first worker or submit makes the file"),
    }
}

/// Whether this user may write the file, its folder, and what lies beside it.
fn permissions(path: &Path, data: &fs::Metadata, checks: &mut Vec<Check>) -> bool {
    let blocked = [Some(path.to_owned()), path.parent().map(Path::to_owned)]
        .into_iter()
        .flatten()
        .chain(BESIDE.iter().map(|suffix| beside(path, suffix)).filter(|file| file.exists()))
        .find(|place| !may_write(place));
    if let Some(place) = blocked {
        let detail = format!("this user may not write {}", place.display());
        let hint = "a store needs its file, those beside it and their folder writable";
        checks.push(Check::fail("permissions", detail, hint));
        return false;
    }
    if let Some(mode) = open_to_all(data) {
        let detail = format!("every user of this machine may write the file (mode {mode:o})");
        checks.push(Check::warn("permissions", detail, format!("chmod o-w {}", path.display())));
        return true;
    }
    checks.push(Check::ok("permissions", "the file and its folder can be written".to_owned()));
    true
}

#[cfg(unix)]
fn may_write(place: &Path) -> bool {
    // The system's own answer: it knows of groups, access lists and read-only mounts.
    rustix::fs::access(place, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(place: &Path) -> bool {
    fs::metadata(place).is_ok_and(|data| !data.permissions().readonly())
}

#[cfg(unix)]
fn open_to_all(data: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = data.permissions().mode() & 0o7777;
    (mode & 0o002 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_all(_: &fs::Metadata) -> Option<u32> {
    None
}

/// Whether what is acknowledged outlives the machine's power.
fn durability(path: &Path) -> Check {
    match passing(path) {
        Some((where_, hint)) => Check::warn("durability", format!("the file lies {where_}"), hint),
        None => {
            let detail = "a write is on the disk when it is acknowledged (synchronous=FULL)";
            Check::ok("durability", detail.to_owned())
        }
    }
}

/// Where the file lies when that place passes away, and what to do.
#[cfg(target_os = "linux")]
fn passing(path: &Path) -> Option<(&'static str, &'static str)> {
    passing_kind(u64::try_from(rustix::fs::statfs(path).ok()?.f_type).ok()?)
}

#[cfg(not(target_os = "linux"))]
fn passing(_: &Path) -> Option<(&'static str, &'static str)> {
    None
}

/// By the magic numbers of `statfs(2)`.
#[cfg(any(target_os = "linux", test))]
fn passing_kind(magic: u64) -> Option<(&'static str, &'static str)> {
    match magic & 0xFFFF_FFFF {
        0x0102_1994 | 0x8584_58F6 => {
            Some(("in memory: a restart of the machine loses it", "move it to a folder on a disk"))
        }
        0x794C_7630 => {
            Some(("in a container's own layer: it goes with the container", "move it to a volume"))
        }
        _ => None,
    }
}

/// A log that was left behind or that grows without end.
fn side_files(path: &Path) -> Check {
    let log = fs::metadata(beside(path, "wal")).map_or(0, |data| data.len());
    let log_size = size(usize::try_from(log).unwrap_or(usize::MAX));
    if log > LONG_LOG {
        return Check::warn(
            "side files",
            format!("the write-ahead log has {log_size}"),
            "a reader that stays open for long keeps it from shrinking: restart old processes",
        );
    }
    if fs::metadata(beside(path, "journal")).is_ok_and(|data| data.len() > 0) {
        return Check::warn(
            "side files",
            "there is a rollback journal beside the file".to_owned(),
            "another program writes to it, or died while writing; opening the store recovers it",
        );
    }
    let there = BESIDE.iter().filter(|suffix| beside(path, suffix).exists()).count();
    let detail = match (there, log) {
        (0, _) => "none are left behind".to_owned(),
        (_, 0) => "as they should be; the log is empty".to_owned(),
        _ => format!(
            "as they should be; the log has {log_size}, written back when the store is idle"
        ),
    };
    Check::ok("side files", detail)
}

/// Whether the tables are of this build, or of one that it works beside.
fn schema(path: &Path, checks: &mut Vec<Check>) -> bool {
    let plan = match windlass_sqlite::migrate_plan(path) {
        Ok(plan) => plan,
        Err(error) => {
            checks.push(Check::error("schema", &error));
            return false;
        }
    };
    let versions = format!("version {}, this build has {}", plan.found, plan.supported);
    if !plan.pending.is_empty() {
        let hint = "run `windlass migrate`; the next process that opens the store does it too";
        checks.push(Check::warn("schema", versions, hint));
        // To open it would be to migrate it.
        return false;
    }
    checks.push(match plan.found > plan.supported {
        true => Check::warn(
            "schema",
            format!("{versions}; they work together"),
            "update this build soon",
        ),
        false => Check::ok("schema", versions),
    });
    true
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push("-");
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_container_layers_are_told_from_disks() {
        assert!(
            passing_kind(0x0102_1994).is_some_and(|(place, _)| place.contains("memory")),
            "tmpfs"
        );
        assert!(
            passing_kind(0x794C_7630).is_some_and(|(_, hint)| hint.contains("volume")),
            "overlayfs"
        );
        assert_eq!(passing_kind(0xEF53), None, "ext4");
    }
}

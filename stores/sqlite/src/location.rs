//! Where a store lies: its file, the files beside it, and whether the file system will do.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use windlass_core::{Error, Result};

/// The file of a store and those beside it.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// The database, as an absolute path without links in its folder.
    pub(crate) file: PathBuf,
    /// The same as text, for messages.
    pub(crate) name: String,
}

impl Location {
    /// Resolves `path`, so that every process names the files beside it alike.
    ///
    /// # Errors
    ///
    /// `invalid_url` when the folder does not exist or the path is a folder, `invalid_store` on a
    /// network file system.
    pub(crate) fn find(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::InvalidUrl {
            url: format!("sqlite:{}", path.display()),
            reason,
        };
        let absolute = std::path::absolute(path).map_err(|e| refuse(e.to_string()))?;
        // A link to the database leads to the same side files as the database itself.
        let file = match fs::canonicalize(&absolute) {
            Ok(file) => file,
            Err(_) => {
                let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
                    return Err(refuse("it names no file".to_owned()));
                };
                let folder = fs::canonicalize(folder).map_err(|e| match e.kind() {
                    std::io::ErrorKind::NotFound => refuse(format!(
                        "the folder {} does not exist; create it first",
                        folder.display()
                    )),
                    _ => refuse(format!("the folder {} cannot be used: {e}", folder.display())),
                })?;
                folder.join(name)
            }
        };
        if file.is_dir() {
            return Err(refuse("it is a folder; name a file in it".to_owned()));
        }
        let name = file.display().to_string();
        if let Some(kind) = file.parent().and_then(network_file_system) {
            return Err(Error::InvalidStore {
                location: name,
                reason: format!(
                    "it lies on a network file system ({kind}), where locks cannot be trusted and \
                     tasks could be lost; use a local disk, or a server for several machines"
                ),
            });
        }
        Ok(Self { file, name })
    }

    /// The file with `-suffix` behind its name.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(self.file.as_os_str());
        name.push("-");
        name.push(suffix);
        name.into()
    }
}

#[cfg(target_os = "linux")]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    use std::os::unix::ffi::OsStrExt;

    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut stat = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends with NUL, and `stat` is read only after the call has filled it.
    let stat = unsafe {
        if libc::statfs(path.as_ptr(), stat.as_mut_ptr()) != 0 {
            return None;
        }
        stat.assume_init()
    };
    // The type's width and sign differ between targets; the magic numbers have 32 bits.
    #[allow(clippy::unnecessary_cast)]
    kind_of(stat.f_type as u32)
}

#[cfg(not(target_os = "linux"))]
fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// The network file systems among the magic numbers of `statfs(2)`. FUSE is not among them: it
/// carries local file systems too.
#[cfg(any(target_os = "linux", test))]
fn kind_of(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some("NFS"),
        0x517B => Some("SMB"),
        0xFF53_4D42 => Some("CIFS"),
        0xFE53_4D42 => Some("SMB2"),
        0x0102_1997 => Some("9p"),
        0x00C3_6400 => Some("Ceph"),
        0x5346_414F | 0x6B41_4653 => Some("AFS"),
        0x7375_7245 => Some("Coda"),
        0x0BD0_0BD0 => Some("Lustre"),
        0x4750_4653 => Some("GPFS"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        assert_eq!(kind_of(0x6969), Some("NFS"));
        assert_eq!(kind_of(0xEF53), None, "ext4");
        assert_eq!(kind_of(0x0102_1994), None, "tmpfs");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = Location::find(Path::new("/no/such/folder/tasks.db")).unwrap_err();
        assert_eq!(error.code(), "invalid_url");
        assert!(error.to_string().contains("/no/such/folder does not exist"), "{error}");
        assert_eq!(Location::find(Path::new("/")).unwrap_err().code(), "invalid_url");
    }
}

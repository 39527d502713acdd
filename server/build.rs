//! Embeds the web console: the files of `console/dist`, as `scripts/setup.sh console` left them, with
//! their compressed forms. Needs no Node.js: where nothing was built there, the binary has no console and
//! says so at `/`. With the variable `WINDLASS_REQUIRE_CONSOLE` set, that is an error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
    // Not for WINDLASS_REQUIRE_CONSOLE: a folder that was found empty is looked at when it changes, and
    // builds with and without the variable would else take turns to compile everything anew.
    println!("cargo::rerun-if-env-changed=WINDLASS_CONSOLE_DIST");
    let dist = match env::var_os("WINDLASS_CONSOLE_DIST") {
        Some(folder) => PathBuf::from(folder),
        None => own.join("../console/dist"),
    };
    // A path that is not there would count as changed, and everything be compiled anew, each time. Outside
    // of a clone there is no folder to make it in, and nothing will come.
    if dist.is_dir() || fs::create_dir(&dist).is_ok() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
    let mut files = BTreeMap::new();
    gather(&dist, "", &mut files)?;
    if !files.contains_key("/index.html") {
        let required =
            env::var_os("WINDLASS_REQUIRE_CONSOLE").is_some_and(|value| !value.is_empty());
        assert!(!required, "no console in {}: run scripts/setup.sh console", dist.display());
        files.clear();
    }
    fs::write(out.join("console_assets.rs"), table(&files, &out.join("console"))?)
}

/// The files below a folder, by the path that they are served at.
fn gather(folder: &Path, under: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{under}/{name}");
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &path, files)?;
        } else if !name.starts_with('.') {
            files.insert(path, entry.path());
        }
    }
    Ok(())
}

/// The table of assets as Rust text. The files are copied to `place` first: a build of the console may
/// take them away while this crate is compiled.
fn table(files: &BTreeMap<String, PathBuf>, place: &Path) -> io::Result<String> {
    let _ = fs::remove_dir_all(place);
    fs::create_dir_all(place)?;
    let mut text = "pub(super) static BUILT: &[Asset] = &[\n".to_owned();
    let mut copied = 0;
    let mut copy = |bytes: &[u8]| -> io::Result<String> {
        copied += 1;
        let path = place.join(copied.to_string());
        fs::write(&path, bytes)?;
        Ok(format!("include_bytes!({:?})", path.display().to_string()))
    };
    for (path, file) in files {
        let plain = path.strip_suffix(".br").or(path.strip_suffix(".gz"));
        if plain.is_some_and(|plain| files.contains_key(plain)) {
            continue;
        }
        let bytes = fs::read(file)?;
        let mut other = |end: &str| match files.get(&format!("{path}{end}")) {
            None => Ok::<_, io::Error>("None".to_owned()),
            Some(file) => Ok(format!("Some({})", copy(&fs::read(file)?)?)),
        };
        let (brotli, gzip) = (other(".br")?, other(".gz")?);
        let digest = Sha256::digest(&bytes);
        let digest =
            digest.iter().take(12).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let identity = copy(&bytes)?;
        let _ = writeln!(
            text,
            "    Asset {{ path: {path:?}, digest: {digest:?}, identity: {identity}, brotli: {brotli}, \
             gzip: {gzip} }},"
        );
    }
    Ok(text + "];\n")
}

//! Makes a JavaScript module of a WebAssembly file that cargo built.
//!
//!     windlass-bindgen BUILT.wasm FOLDER NAME
//!
//! writes `FOLDER/NAME.js` and `FOLDER/NAME_bg.wasm`, and for each part that the code marks as one to be fetched
//! apart `FOLDER/NAME_PART_bg.wasm`. A program of the workspace, so that its version is that of the crate
//! `wasm-bindgen` in the same lock file: another one would refuse the file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use walrus::ModuleConfig;
use wasm_bindgen_cli_support::Bindgen;
use wasm_split_cli_support as split;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [built, folder, name] = &arguments[..] else {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("usage: windlass-bindgen BUILT.wasm FOLDER NAME");
        }
        return ExitCode::from(2);
    };
    match make(Path::new(built), Path::new(folder), name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("{built}: {error:?}");
            }
            ExitCode::FAILURE
        }
    }
}

fn make(built: &Path, folder: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let whole = fs::read(built)?;
    let has_parts = whole.windows(PART.len()).any(|bytes| bytes == PART);
    let first = if has_parts { parts(&whole, built, folder, name)? } else { built.to_owned() };
    // The package's own types are written by hand; sections that only name things are left out.
    Bindgen::new()
        .input_path(first)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .remove_name_section(env::var_os("WINDLASS_KEEP_NAMES").is_none())
        .remove_producers_section(true)
        .omit_default_module_path(true)
        // Parts share its table of functions.
        .keep_lld_exports(has_parts)
        .generate(folder)?;
    Ok(())
}

/// What the name of a function begins with where a part begins.
const PART: &[u8] = b"__wasm_split_00";

/// Puts parts into files of their own; the file that is left.
fn parts(whole: &[u8], built: &Path, folder: &Path, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let there = built.with_extension("parts");
    let first = there.join("first.wasm");
    let mut options = split::Options::new(whole);
    options.output_dir = &there;
    options.main_out_path = &first;
    for path in split::transform(options)?.split_modules {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let part = stem.trim_start_matches("split_");
        // Written anew: what a linker leaves for others to move is wider than it need be.
        let mut module = ModuleConfig::new().generate_name_section(false).parse_file(&path)?;
        module.emit_wasm_file(folder.join(format!("{name}_{part}_bg.wasm")))?;
    }
    Ok(first)
}

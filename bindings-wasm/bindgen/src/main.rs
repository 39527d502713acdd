//! Makes a JavaScript module of a WebAssembly file that cargo built.
//!
//!     windlass-bindgen BUILT.wasm FOLDER NAME
//!
//! writes `FOLDER/NAME.js` and `FOLDER/NAME_bg.wasm`. A program of the workspace, so that its version
//! is that of the crate `wasm-bindgen` in the same lock file: another one would refuse the file.

use std::env;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [built, folder, name] = &arguments[..] else {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("usage: windlass-bindgen BUILT.wasm FOLDER NAME");
        }
        return ExitCode::from(2);
    };
    let made = Bindgen::new().input_path(built).out_name(name).web(true).and_then(|bindgen| {
        // The package's own types are written by hand; sections that only name things are left out.
        bindgen
            .typescript(false)
            .remove_name_section(env::var_os("WINDLASS_KEEP_NAMES").is_none())
            .remove_producers_section(true)
            .omit_default_module_path(true)
            .generate(folder)
    });
    match made {
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

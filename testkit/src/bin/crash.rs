//! The crash test: `windlass-crash --help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports to a terminal"
)]

#[cfg(not(unix))]
fn main() {
    eprintln!("the crash test needs SIGKILL and SIGSTOP: it runs on Unix");
    std::process::exit(1);
}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    use windlass_testkit::crash::{Plan, follower, run, server, submitter, watcher, worker};

    const HELP: &str = "\
Kills real processes on one SQLite file and looks what is left of their work.

    windlass-crash run [--kills N] [--served] [--python INTERPRETER SCRIPT]
    windlass-crash submit|work|watch|follow URL FOLDER      (its own parts)
    windlass-crash serve STORE ADDRESS

With --served all but the server know nothing but its URL, and it is killed, too.
";

    pub(super) fn main() -> ExitCode {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ended = match words[..] {
            ["submit", url, folder] => part(submitter(url, Path::new(folder))),
            ["work", url, folder] => part(worker(url, Path::new(folder))),
            ["watch", url, folder] => part(watcher(url, Path::new(folder))),
            ["follow", url, folder] => part(follower(url, Path::new(folder))),
            ["serve", store, address] => part(server(store, address)),
            ["run", ref options @ ..] => orchestrate(options),
            ["--help" | "-h"] => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            _ => Err(HELP.to_owned()),
        };
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(text) => {
                eprintln!("{text}");
                ExitCode::FAILURE
            }
        }
    }

    fn part<E: std::fmt::Display>(work: impl Future<Output = Result<(), E>>) -> Result<(), String> {
        let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
        runtime.block_on(work).map_err(|e| e.to_string())
    }

    /// A port that nobody has: the server gets it again each time it is started.
    fn free_port() -> std::io::Result<std::net::SocketAddr> {
        std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
    }

    fn orchestrate(options: &[&str]) -> Result<(), String> {
        let (mut kills, mut python, mut served) = (20, None, None);
        let mut rest = options.iter();
        while let Some(option) = rest.next() {
            match *option {
                "--kills" => {
                    let number = rest.next().and_then(|text| text.parse().ok());
                    kills = number.ok_or("--kills takes a number")?;
                }
                "--served" => served = Some(free_port().map_err(|e| e.to_string())?),
                "--python" => match (rest.next(), rest.next()) {
                    (Some(interpreter), Some(script)) => {
                        python = Some((PathBuf::from(interpreter), PathBuf::from(script)));
                    }
                    _ => return Err("--python takes an interpreter and a script".to_owned()),
                },
                other => return Err(format!("{other} is not known\n\n{HELP}")),
            }
        }
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let program = std::env::current_exe().map_err(|e| e.to_string())?;
        let plan = Plan { kills, program, served, python, folder: folder.path().to_owned() };
        let verdict = run(&plan, |text| println!("{text}")).map_err(|e| e.to_string())?;
        print!("{verdict}");
        if verdict.broken.is_empty() {
            return Ok(());
        }
        let kept = folder.keep();
        Err(format!("the file and the logs are in {}", kept.display()))
    }
}

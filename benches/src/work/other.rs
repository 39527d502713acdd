//! A second process of a measurement: this program again, with a hidden command.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::Result;

/// What a second process says when it is ready.
pub(super) const READY: &str = "ready";

/// The second process; ended when this is dropped.
pub(super) struct Other {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Other {
    /// Starts it and waits until it is ready.
    pub(super) fn start(args: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args);
        let mut other = Self::of(command)?;
        match other.line()?.as_str() {
            READY => Ok(other),
            line => Err(format!("the other process said {line:?}").into()),
        }
    }

    /// Starts any command, whose lines are read from here.
    pub(super) fn of(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no pipe from the other process")?);
        Ok(Self { child, lines })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line)? {
            0 => Err("the other process ended".into()),
            _ => Ok(line.trim().to_owned()),
        }
    }

    /// A byte to its input.
    pub(super) fn ring(&mut self) -> Result<()> {
        let pipe = self.child.stdin.as_mut().ok_or("no pipe to the other process")?;
        Ok(pipe.write_all(&[1]).and_then(|()| pipe.flush())?)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

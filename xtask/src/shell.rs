//! Starting programs: always in a known folder, always echoed, never through a shell, so nothing needs quoting.

use anyhow::{Context, Result, bail};
use std::{
    collections::VecDeque,
    ffi::OsStr,
    io::{self, BufRead, BufReader, IsTerminal},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    // xtask's own folder is one below the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A program, started at the root.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where cargo puts a debug build of one of our programs.
pub(crate) fn built(name: &str) -> PathBuf {
    target().join("debug").join(Path::new(name).with_extension(std::env::consts::EXE_EXTENSION))
}

/// npm in `ui/`. On Windows npm is a script, which needs its extension to be found.
pub(crate) fn npm() -> Command {
    let mut command = program(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(root().join("ui"));
    command
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let mut words =
        vec![Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs to the end with our terminal; anything but success is an error. Where there is no terminal to scroll back in, the error also says
/// what of the output tells why.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let mut why = Why::default();
    let status = if io::stdout().is_terminal() { command.status() } else { listened(command, &mut why) };
    let status = status.with_context(|| format!("`{line}` could not be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}){}", why.told());
    }
    Ok(())
}

/// Runs to the end, printing what the program prints and listening to it. A daemon that the program leaves behind may hold its output
/// open for ever and is not waited for.
fn listened(command: &mut Command, why: &mut Why) -> io::Result<ExitStatus> {
    const SILENCE: Duration = Duration::from_millis(500);
    let (reader, writer) = io::pipe()?;
    let mut child = command.stdout(writer.try_clone()?).stderr(writer).spawn()?;
    // The command would hold its ends of the pipe open, too.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => {
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                why.hear(&line);
            }
            Err(RecvTimeoutError::Disconnected) => return child.wait(),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
            }
        }
    }
}

/// What of an output tells why it failed: what test programs print about their failed tests, and the end.
#[derive(Default)]
struct Why {
    failures: Vec<String>,
    in_failures: bool,
    end: VecDeque<String>,
}

impl Why {
    /// The most lines about failed tests: a summary that is longer is no summary.
    const FAILURES: usize = 150;
    /// How many lines the end has.
    const END: usize = 30;

    fn hear(&mut self, line: &str) {
        match line.trim_end() {
            "failures:" => self.in_failures = true,
            text if text.starts_with("test result:") => self.in_failures = false,
            _ => {}
        }
        if self.in_failures {
            if self.failures.len() < Self::FAILURES {
                self.failures.push(line.to_owned());
            }
            return;
        }
        if self.end.len() == Self::END {
            self.end.pop_front();
        }
        self.end.push_back(line.to_owned());
    }

    /// Line by line, each after a line's end.
    fn told(&self) -> String {
        self.failures.iter().chain(&self.end).flat_map(|line| ["\n", line]).collect()
    }
}

/// Runs to the end and hands back standard output; standard error goes to our terminal.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("`{line}` could not be started"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed something that is not text"))
}

/// Whether a program of this name can be started.
pub(crate) fn exists(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|dir| dir.join(name).is_file() || dir.join(format!("{name}.exe")).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_tells_its_failed_tests_and_its_end() {
        let mut why = Why::default();
        let printed = "running 2 tests\n\nfailures:\n\n---- one stdout ----\nleft: 1\n\nfailures:\n    one\n\ntest result: FAILED. 1 passed\n";
        for line in printed.lines().chain(vec!["later"; 100]) {
            why.hear(line);
        }
        let told = why.told();
        assert!(told.starts_with("\nfailures:\n\n---- one stdout ----\nleft: 1\n"), "{told}");
        assert!(told.ends_with("later"), "{told}");
        assert!(told.lines().count() < 50, "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_program_prints_is_heard_to_its_end() -> Result<()> {
        let mut why = Why::default();
        let status = listened(program("sh").args(["-c", "echo out; echo err >&2; sleep 60 & exit 3"]), &mut why)?;
        assert_eq!((status.code(), why.told().as_str()), (Some(3), "\nout\nerr"));
        Ok(())
    }
}

//! `syncdeckctl` as a process of its own, where a process is what matters: killing it, reading what the system tells of it, its log.

use anyhow::{Context, Result, bail, ensure};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

/// The program beside this one; built when nobody has done so yet.
pub fn syncdeckctl() -> Result<&'static Path> {
    static PROGRAM: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| {
        let here = std::env::current_exe().map_err(|error| error.to_string())?;
        let profile = here.ancestors().nth(2).ok_or("this program lies in no target folder")?;
        let program = profile.join(format!("syncdeckctl{}", std::env::consts::EXE_SUFFIX));
        if !program.exists() {
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
            let built = Command::new(cargo)
                .args(["build", "--package", "cli"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            if !built.is_ok_and(|status| status.success()) {
                return Err("syncdeckctl could not be built".to_owned());
            }
        }
        Ok(program)
    });
    match found {
        Ok(program) => Ok(program),
        Err(why) => bail!("{why}"),
    }
}

/// A call of the program that inherits nothing of ours that could change what it does.
pub fn command(workspace: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Command> {
    let mut command = Command::new(syncdeckctl()?);
    command.arg("--workspace").arg(workspace).args(arguments);
    command.env_remove("SYNCDECK_PASSPHRASE").env_remove("SYNCDECK_WORKSPACE").env_remove("SYNCDECK_LOG");
    command.stdin(Stdio::null());
    Ok(command)
}

/// Its standard output when it ended well.
pub fn answer(output: &Output) -> Result<String> {
    let text = String::from_utf8(output.stdout.clone()).context("the answer is not text")?;
    ensure!(
        output.status.success(),
        "{}: {text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
            .chars()
            .rev()
            .take(2_000)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<String>()
    );
    Ok(text)
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target).map(drop)?;
        }
    }
    Ok(())
}

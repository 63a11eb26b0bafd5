//! What the program is told at its start: two arguments, and three variables that tests use.
//!
//! Read by hand, because a desktop program is also started by file managers and launchers that add arguments of their own
//! (macOS passes `-psn_...`): an unknown argument is ignored with a line in the log, never a reason not to open the window.

use model::secret::Secret;
use std::{ffi::OsString, path::PathBuf};

/// The start's wishes. Arguments win over variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `--workspace DIR` or `SYNCDECK_WORKSPACE`: the folder of the workspace instead of the person's own.
    pub(crate) workspace: Option<PathBuf>,
    /// `--demo`: open the demo workspace, creating it when it is not there.
    pub(crate) demo: bool,
    /// `SYNCDECK_PASSPHRASE`: opens a passphrase vault without asking. Only a variable: arguments stand in the process list.
    pub(crate) passphrase: Option<Secret>,
    /// `SYNCDECK_URL_MAP`: `https://vendor=http://127.0.0.1:PORT`, separated by commas. Sends a vendor's requests to a simulator
    /// on this computer.
    pub(crate) url_map: Vec<(String, String)>,
}

impl Options {
    /// Reads arguments (without the program's name) and the variables that `variable` knows.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let text =
            |name: &str| variable(name).and_then(|value| value.into_string().ok()).filter(|text| !text.is_empty());
        let mut options = Self {
            workspace: variable("SYNCDECK_WORKSPACE").filter(|dir| !dir.is_empty()).map(PathBuf::from),
            demo: false,
            passphrase: text("SYNCDECK_PASSPHRASE").map(Secret::new),
            url_map: text("SYNCDECK_URL_MAP").map(|map| url_map(&map)).unwrap_or_default(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--demo") => options.demo = true,
                Some("--workspace") => options.workspace = arguments.next().map(PathBuf::from).or(options.workspace),
                Some(word) if word.starts_with("--workspace=") => {
                    options.workspace = word.strip_prefix("--workspace=").map(PathBuf::from);
                }
                _ => tracing::warn!(?argument, "Ignored an argument that is not --workspace DIR or --demo"),
            }
        }
        options
    }

    /// Whether a second start should only bring the first window forward. Not when a folder was named: whoever names one wants
    /// that folder opened, beside a window on another.
    pub(crate) fn single_instance(&self) -> bool {
        self.workspace.is_none()
    }
}

/// Pairs of vendor origin and simulator origin. Only this computer is accepted as the target: a variable must not be able to
/// send a client's token to somebody else's server.
fn url_map(text: &str) -> Vec<(String, String)> {
    text.split(',')
        .filter_map(|pair| {
            let (from, to) = pair.trim().split_once('=')?;
            let local = to.strip_prefix("http://127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok());
            if !local {
                tracing::warn!(from, to, "Ignored a mapped address that is not http://127.0.0.1:PORT");
            }
            local.then(|| (from.to_owned(), to.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Options {
        Options::read(arguments.iter().map(OsString::from), |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn arguments_and_variables() {
        type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], Options);
        let folder = |name: &str| Options { workspace: Some(name.into()), ..Options::default() };
        let env = [("SYNCDECK_WORKSPACE", "env")];
        let rows: [Row; 8] = [
            (&[], &[], Options::default()),
            (&[], &env, folder("env")),
            (&["--workspace", "arg"], &env, folder("arg")),
            (&["--workspace=arg"], &env, folder("arg")),
            (&["--workspace"], &env, folder("env")),
            (&["-psn_0_12345", "--demo"], &[], Options { demo: true, ..Options::default() }),
            (&[], &[("SYNCDECK_WORKSPACE", ""), ("SYNCDECK_PASSPHRASE", "")], Options::default()),
            (
                &[],
                &[("SYNCDECK_PASSPHRASE", "x")],
                Options { passphrase: Some(Secret::new("x")), ..Options::default() },
            ),
        ];
        for (arguments, variables, expected) in rows {
            assert_eq!(read(arguments, variables), expected, "{arguments:?} {variables:?}");
        }
    }

    #[test]
    fn a_named_folder_opens_its_own_window() {
        assert!(read(&["--demo"], &[]).single_instance());
        assert!(!read(&["--workspace", "elsewhere"], &[]).single_instance());
    }

    #[test]
    fn vendors_are_mapped_to_this_computer_only() {
        let good = ("https://ads.vk.com".to_owned(), "http://127.0.0.1:4000".to_owned());
        let rows: [(&str, Vec<(String, String)>); 6] = [
            ("https://ads.vk.com=http://127.0.0.1:4000", vec![good.clone()]),
            (" https://ads.vk.com=http://127.0.0.1:4000 , ", vec![good.clone()]),
            (
                "https://a=http://127.0.0.1:4000,https://ads.vk.com=http://127.0.0.1:4000",
                vec![("https://a".to_owned(), good.1.clone()), good.clone()],
            ),
            ("https://ads.vk.com=https://evil.example", vec![]),
            ("https://ads.vk.com=http://127.0.0.1:4000@evil.example", vec![]),
            ("https://ads.vk.com=http://127.0.0.1:4000.evil.example", vec![]),
        ];
        for (text, expected) in rows {
            assert_eq!(url_map(text), expected, "{text}");
        }
    }
}

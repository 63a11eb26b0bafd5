//! Where an exported file goes when the page saves it: the person's folder for downloads, under a name that is still free. A web view
//! inside a program has no download bar of its own, and without this a saved file would go nowhere without a word.

use std::path::{Path, PathBuf};
use tauri::{Manager, Runtime, Webview, webview::DownloadEvent};

/// Decides about a download, and says in the log how it ended. Only files that the page itself made (exports) are saved.
#[allow(clippy::needless_pass_by_value, reason = "the signature of Tauri's callback")]
pub(crate) fn decide<R: Runtime>(webview: Webview<R>, event: DownloadEvent<'_>) -> bool {
    match event {
        DownloadEvent::Requested { url, destination } => {
            let Ok(folder) = webview.path().download_dir() else {
                tracing::warn!("There is no folder for downloads; the file was not saved");
                return false;
            };
            let name = destination.file_name().map_or_else(|| PathBuf::from("export"), PathBuf::from);
            *destination = free(&folder, &name);
            matches!(url.scheme(), "blob" | "data")
        }
        DownloadEvent::Finished { path, success, .. } => {
            let path = path.unwrap_or_default();
            if success {
                tracing::info!("Saved {}", path.display());
            } else {
                tracing::warn!("{} could not be saved", path.display());
            }
            true
        }
        _ => true,
    }
}

/// The first of `name.csv`, `name (2).csv` ... that is not taken.
fn free(folder: &Path, name: &Path) -> PathBuf {
    let stem = name.file_stem().unwrap_or_default().to_string_lossy();
    let end = name.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let mut path = folder.join(name);
    let mut number = 2;
    while path.exists() {
        path = folder.join(format!("{stem} ({number}){end}"));
        number += 1;
    }
    path
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn nothing_that_was_saved_before_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let name = Path::new("Ромашка 2026-11-01.csv");
        for expected in ["Ромашка 2026-11-01.csv", "Ромашка 2026-11-01 (2).csv", "Ромашка 2026-11-01 (3).csv"]
        {
            let path = free(folder.path(), name);
            assert_eq!(path.file_name().unwrap(), expected);
            std::fs::write(path, "").unwrap();
        }
    }
}

//! Builds the Tauri context. Capabilities and permissions live beside the shell, not at the root where Tauri looks first.
//!
//! It reads `ui/dist`, so the UI must have been built before (`cargo xtask run` and `cargo xtask test` see to it).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(tauri_build::AppManifest::new().permissions_path_pattern("./src-tauri/permissions/**/*"));
    Ok(tauri_build::try_build(attributes)?)
}

//! Puts the app's own commands under the window's permissions.

use std::path::Path;

/// What stands in for the page until it is built, so that a fresh clone can be checked.
const NO_PAGE: &str =
    "<!doctype html><title>Adjourn</title><main>The page is not built: npm run build in ui/</main>";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = Path::new("../ui/dist/index.html");
    if !page.exists() {
        // What is given to people has its page.
        if std::env::var("PROFILE").as_deref() == Ok("release") {
            return Err("the page is not built: run `npm ci && npm run build` in ui/".into());
        }
        std::fs::create_dir_all("../ui/dist")?;
        std::fs::write(page, NO_PAGE)?;
    }
    println!("cargo:rerun-if-changed=../ui/dist");
    let manifest = tauri_build::AppManifest::new().commands(&["subscribe", "order"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))?;
    Ok(())
}

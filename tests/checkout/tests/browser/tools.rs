//! Where the browser and Node.js are, and the scenes with their packages, in a folder of the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names a browser of Chromium's kind where the search path has none.
const CHROMIUM: &str = "TILLBOX_TEST_CHROMIUM";

/// What the scenes are made of.
const SCENES: &[&str] = &["package.json", "package-lock.json", ".npmrc", "payer.mjs", "scenes.mjs"];

/// Everything that is needed to run scenes.
pub(crate) struct Tools {
    chromium: PathBuf,
    node: PathBuf,
    scenes: PathBuf,
    screenshots: PathBuf,
}

impl Tools {
    /// Finds the programs, installs what is missing where we may, and lays the scenes out.
    pub(crate) fn find_or_install() -> Self {
        let programs = || Some((chromium()?, program("node")?, program("npm")?));
        let found = programs().or_else(|| {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install-browser.sh");
            // What it says goes to the test's output; whether it worked is seen below.
            drop(Command::new("bash").arg(script).stdin(Stdio::null()).status());
            programs()
        });
        let missing = "this test needs Chromium, and Node.js 18 or later with npm: install them, and name the browser \
                       in TILLBOX_TEST_CHROMIUM where it is not `chromium`";
        let (chromium, node, npm) = found.expect(missing);
        let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checkout");
        let (scenes, screenshots) = (work.join("scenes"), work.join("screenshots"));
        for folder in [&scenes, &screenshots] {
            fs::create_dir_all(folder).expect("a folder of the target directory");
        }
        lay_out(&scenes, &npm);
        Self { chromium, node, scenes, screenshots }
    }

    /// Node.js among the scenes.
    pub(crate) fn node(&self) -> Command {
        let mut node = Command::new(&self.node);
        node.current_dir(&self.scenes).stdin(Stdio::null());
        node.env("TILLBOX_CHROMIUM", &self.chromium).env("TILLBOX_SCREENSHOTS", &self.screenshots);
        node
    }

    /// Where the screenshots are.
    pub(crate) fn shown(&self) -> impl std::fmt::Display {
        self.screenshots.display()
    }
}

/// Copies the scenes, and installs their packages when the lock file says others than those that are there.
fn lay_out(scenes: &Path, npm: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    for name in SCENES {
        fs::copy(source.join(name), scenes.join(name)).expect("the scenes can be copied");
    }
    let lock = fs::read(scenes.join("package-lock.json")).expect("the lock file");
    let installed = scenes.join("node_modules/installed.json");
    if fs::read(&installed).is_ok_and(|known| known == lock) {
        return;
    }
    let mut command = Command::new(npm);
    command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(scenes).stdin(Stdio::null());
    let done = command.status().expect("npm runs");
    assert!(done.success(), "npm could not install the scenes' packages: can it reach its registry?");
    fs::write(installed, lock).expect("the folder of the packages can be written to");
}

fn chromium() -> Option<PathBuf> {
    match std::env::var_os(CHROMIUM) {
        Some(named) => Some(PathBuf::from(named)),
        None => program("chromium").or_else(|| program("chromium-browser")),
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

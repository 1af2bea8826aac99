//! Who may depend on whom, between the packages of the workspace.
//!
//! It refuses to look at dependencies that are not ours, and at `use`: a package that is not a dependency cannot be used.

use std::collections::BTreeMap;

use toml::Table;

use crate::Complaint;

/// The packages a package may depend on, by directory, bottom up. ARCHITECTURE.md says why.
struct Arrows {
    from: &'static str,
    /// `[dependencies]`; allowed for tests and build scripts as well.
    to: &'static [&'static str],
    /// `[dev-dependencies]`, besides.
    tests_to: &'static [&'static str],
    /// `[build-dependencies]`, besides.
    build_to: &'static [&'static str],
}

const ALLOWED: &[Arrows] = &[
    arrows("host/core", &[], &[], &[]),
    arrows(
        "host/runtime",
        &["host/core"],
        &["tests/artifacts", "plugins/sdk", "plugins/manual", "plugins/stripe-mock"],
        &[],
    ),
    arrows(
        "host",
        &["host/core", "host/runtime", "plugins/bundled"],
        &["tests/artifacts", "tests/gateway", "plugins/manual", "plugins/stripe-mock"],
        &[],
    ),
    arrows("plugins/sdk", &[], &[], &[]),
    arrows("plugins/build", &[], &[], &[]),
    arrows("plugins/manual", &["plugins/sdk"], &[], &[]),
    arrows("plugins/stripe", &["plugins/sdk", "plugins/stripe-rules"], &[], &[]),
    arrows("plugins/stripe-mock", &["plugins/sdk", "plugins/stripe-rules"], &[], &[]),
    arrows("plugins/stripe-rules", &[], &[], &[]),
    arrows("plugins/bundled", &[], &[], &["plugins/build"]),
    arrows("tests/guests", &["plugins/sdk"], &[], &[]),
    arrows("tests/artifacts", &["plugins/bundled"], &[], &["plugins/build"]),
    arrows("tests/checkout", &["host", "tests/artifacts", "tests/gateway"], &[], &[]),
    arrows("tests/crash", &["host", "tests/gateway", "tests/store"], &[], &[]),
    arrows("tests/gateway", &[], &[], &[]),
    arrows("tests/conformance", &["host/core", "host/runtime"], &["tests/artifacts"], &[]),
    arrows("tests/sdk", &["host"], &[], &[]),
    arrows("tests/store", &["host/core", "host"], &[], &[]),
    arrows("tests/stripe", &["host", "plugins/stripe", "tests/gateway"], &[], &[]),
    arrows("tests/simulator", &["host/core", "host/runtime", "host"], &[], &[]),
    arrows("tests/integration", &["host", "tests/artifacts", "tests/gateway", "tests/store"], &[], &[]),
    arrows("tests/tidy", &[], &[], &[]),
];

const fn arrows(
    from: &'static str,
    to: &'static [&'static str],
    tests_to: &'static [&'static str],
    build_to: &'static [&'static str],
) -> Arrows {
    Arrows { from, to, tests_to, build_to }
}

/// Checks the Cargo.toml files of all packages, given as (path, text). The workspace's own has no package and is
/// skipped.
#[must_use]
pub fn check(manifests: &[(&str, &str)]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut packages = Vec::new();
    for (path, text) in manifests {
        match text.parse::<Table>() {
            Ok(manifest) => packages.push((*path, manifest)),
            Err(error) => complaints.push(Complaint::new(path, 0, format!("is no TOML: {}", error.message()))),
        }
    }
    let directories: BTreeMap<&str, &str> =
        packages.iter().filter_map(|(path, manifest)| Some((package_name(manifest)?, directory(path)))).collect();
    for (path, manifest) in &packages {
        if package_name(manifest).is_some() {
            complaints.extend(check_package(path, manifest, &directories));
        }
    }
    complaints
}

fn check_package(path: &str, manifest: &Table, directories: &BTreeMap<&str, &str>) -> Vec<Complaint> {
    let from = directory(path);
    let Some(allowed) = ALLOWED.iter().find(|arrows| arrows.from == from) else {
        let message = "is a package without a row in tests/tidy/src/arrows.rs: say there and in ARCHITECTURE.md what it \
                       may depend on";
        return vec![Complaint::new(path, 0, message)];
    };
    let mut complaints = Vec::new();
    let nothing: &[&str] = &[];
    for (section, besides) in
        [("dependencies", nothing), ("dev-dependencies", allowed.tests_to), ("build-dependencies", allowed.build_to)]
    {
        let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
        for (key, value) in dependencies {
            let name = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
            let Some(to) = directories.get(name) else { continue };
            // In its own tests a package may see itself.
            if !allowed.to.contains(to) && !besides.contains(to) && *to != from {
                let message = format!(
                    "{from} must not depend on {to} in [{section}]: move what is needed down, or change \
                     tests/tidy/src/arrows.rs and ARCHITECTURE.md with the reason"
                );
                complaints.push(Complaint::new(path, 0, message));
            }
        }
    }
    complaints
}

fn package_name(manifest: &Table) -> Option<&str> {
    manifest.get("package")?.get("name")?.as_str()
}

fn directory(manifest_path: &str) -> &str {
    manifest_path.strip_suffix("/Cargo.toml").unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: (&str, &str) = ("host/core/Cargo.toml", "[package]\nname = \"tillbox-core\"\n");
    const ARTIFACTS: (&str, &str) = ("tests/artifacts/Cargo.toml", "[package]\nname = \"tillbox-artifacts\"\n");

    fn runtime(rest: &str) -> Vec<Complaint> {
        let text = format!("[package]\nname = \"tillbox-runtime\"\n{rest}");
        check(&[CORE, ARTIFACTS, ("host/runtime/Cargo.toml", &text)])
    }

    #[test]
    fn allowed_arrows_pass() {
        let rest = "[dependencies]\ntillbox-core = { workspace = true }\nserde = \"1\"\n\
                    [dev-dependencies]\ntillbox-artifacts = { workspace = true }\n";
        assert_eq!(runtime(rest), []);
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let core = "[package]\nname = \"tillbox-core\"\n[dev-dependencies]\ntillbox-artifacts = { workspace = true }\n";
        let complaints = check(&[("host/core/Cargo.toml", core), ARTIFACTS]);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].message.contains("host/core must not depend on tests/artifacts"));
    }

    #[test]
    fn what_tests_may_use_the_library_may_not() {
        assert_eq!(runtime("[dependencies]\ntillbox-artifacts = { workspace = true }\n").len(), 1);
    }

    #[test]
    fn another_name_for_the_dependency_does_not_hide_it() {
        let rest = "[dependencies]\nharmless = { package = \"tillbox-artifacts\", path = \"../../tests/artifacts\" }\n";
        assert_eq!(runtime(rest).len(), 1);
    }

    #[test]
    fn a_package_nobody_thought_about_is_found() {
        let complaints = check(&[("tools/x/Cargo.toml", "[package]\nname = \"x\"\n")]);
        assert!(complaints[0].message.contains("without a row"));
    }
}

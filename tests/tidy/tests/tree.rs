//! The checks, on the tree as it lies on disk. Each prints every complaint, not the first.

use tillbox_tidy::tree::Tree;
use tillbox_tidy::{Complaint, arrows, contract, documents, doors, layers, leftovers, purity, shape};

fn tree() -> Tree {
    Tree::read().expect("the tree can be read")
}

#[track_caller]
fn expect_none(complaints: Vec<Complaint>) {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} complaints:\n{}\n", lines.len(), lines.join("\n"));
}

/// Runs a check of one file on every file whose path ends so.
#[track_caller]
fn expect_none_in(ending: &str, check: impl Fn(&str, &str) -> Vec<Complaint>) {
    let tree = tree();
    expect_none(tree.ending(ending).flat_map(|file| check(&file.path, &file.text)).collect());
}

#[test]
fn packages_depend_downwards() {
    let tree = tree();
    let manifests: Vec<_> = tree.ending("Cargo.toml").map(|file| (file.path.as_str(), file.text.as_str())).collect();
    assert!(manifests.len() > 10, "the packages are not where they are looked for");
    expect_none(arrows::check(&manifests));
}

#[test]
fn the_hosts_layers_use_downwards() {
    expect_none_in(".rs", layers::check);
}

#[test]
fn every_route_that_changes_something_knows_keys() {
    let tree = tree();
    let files: Vec<_> = tree.ending(".rs").map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let routes = files.iter().find(|(path, _)| path.ends_with("http/routes/mod.rs"));
    assert!(routes.is_some_and(|(_, text)| doors::changing(text).len() > 25), "the routes are not found");
    expect_none(doors::check(&files));
}

#[test]
fn the_core_is_pure() {
    expect_none_in(".rs", purity::check_source);
    expect_none_in("host/core/Cargo.toml", purity::check_manifest);
}

#[test]
fn every_file_says_what_it_is_for() {
    expect_none_in(".rs", shape::check_head);
}

#[test]
fn no_file_is_long_without_a_reason() {
    expect_none_in(".rs", shape::check_file_length);
}

#[test]
fn no_function_is_long_without_a_reason() {
    expect_none_in(".rs", shape::check_function_lengths);
}

#[test]
fn every_name_says_something() {
    expect_none_in("", shape::check_names);
}

#[test]
fn nothing_is_left_behind() {
    expect_none_in("", leftovers::check);
}

#[test]
fn the_machine_spells_its_cases_out() {
    expect_none_in(".rs", leftovers::check_lazy_match);
}

#[test]
fn the_contract_is_documented() {
    let tree = tree();
    let texts: Vec<&str> = tree.ending(".wit").map(|file| file.text.as_str()).collect();
    let exported = contract::exported(&texts);
    assert!(exported.iter().any(|name| name == "payments"), "the worlds are not where they are looked for");
    expect_none(tree.ending(".wit").flat_map(|file| contract::check_share(&file.path, &file.text)).collect());
    let functions = tree.ending(".wit").flat_map(|file| contract::check_functions(&file.path, &file.text, &exported));
    expect_none(functions.collect());
}

#[test]
fn links_lead_somewhere() {
    let tree = tree();
    let links =
        tree.ending(".md").flat_map(|file| documents::check_links(&file.path, &file.text, |path| tree.has(path)));
    expect_none(links.collect());
}

#[test]
fn the_top_is_tidy() {
    expect_none(documents::check_top(&tree().top));
}

//! `tillbox bench` as a stranger runs it: every figure is there, on a real file and over real HTTP, and nothing is left.
//!
//! It does not judge the figures; this is a debug build on a busy machine.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

const STEPS: [&str; 5] = ["create_collection", "create_session", "authorize", "capture", "refund"];

fn bench(arguments: &[&str], temporary: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tillbox"));
    command.arg("bench").args(arguments).env("NO_COLOR", "1").env("TMPDIR", temporary);
    command.env_remove("RUST_LOG").env_remove("TILLBOX_BENCH_POSTGRES_URL").stdin(Stdio::null());
    command.output().expect("the program was built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program speaks UTF-8")
}

fn entries(directory: &std::path::Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

/// A figure that has to be there and more than nothing.
fn positive(cell: &Value, name: &str) -> u64 {
    let figure = cell[name].as_u64().unwrap_or_else(|| panic!("no {name} in {cell:#}"));
    assert!(figure > 0, "{name} is nothing in {cell:#}");
    figure
}

#[test]
fn every_cell_has_every_figure_empty_and_filled() {
    let temporary = tempfile::tempdir().unwrap();
    let output = bench(&["--seconds", "2", "--concurrency", "1,4", "--payments", "300", "--json"], temporary.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(entries(temporary.path()), 0, "something was left behind");
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    positive(&whole, "processors");
    positive(&whole, "bare_sqlite_commits_per_second");
    let cells = whole["cells"].as_array().unwrap();
    let found: Vec<(&str, u64)> =
        cells.iter().map(|cell| (cell["via"].as_str().unwrap(), cell["concurrency"].as_u64().unwrap())).collect();
    let once = [("embedded", 1), ("embedded", 4), ("http", 1), ("http", 4)];
    // Each on the empty database, and then on the full one.
    assert_eq!(found, once.into_iter().flat_map(|cell| [cell, cell]).collect::<Vec<_>>());
    for cell in cells {
        assert_eq!(cell["database"], "sqlite");
        for name in ["flows", "flows_per_second", "worst_p99_micros"] {
            positive(cell, name);
        }
        if cfg!(target_os = "linux") {
            positive(cell, "bytes_per_flow");
            positive(cell, "cpu_micros_per_flow");
            positive(cell, "resident_bytes");
        }
        for step in STEPS {
            let times = &cell["steps"][step];
            let (p50, p95, p99) =
                (positive(times, "p50_micros"), positive(times, "p95_micros"), positive(times, "p99_micros"));
            assert!(p50 <= p95 && p95 <= p99 && p99 <= positive(times, "max_micros"), "{times:#}");
        }
        assert_eq!(cell["steps"].as_object().unwrap().len(), STEPS.len());
        // Two decimals: on a busy machine a ratio may be next to nothing.
        for ratio in ["ratio_to_one_client", "ratio_to_bare_commits", "changes_per_commit"] {
            assert!(cell[ratio].is_number(), "{ratio} in {cell:#}");
        }
    }
    // One client has nobody to share a commit with; four have.
    assert_eq!(cells[0]["changes_per_commit"].to_string(), "1.00");
    assert!(cells[2]["changes_per_commit"].as_f64().unwrap() > 1.0, "{:#}", cells[2]);
    assert_eq!((&cells[0]["payments_before"], &cells[1]["payments_before"]), (&Value::from(0), &Value::from(300)));
    for (index, cell) in cells.iter().enumerate() {
        assert_eq!(cell["full"], index % 2 == 1, "{cell:#}");
    }
    let flatness = whole["full_against_empty"].as_array().unwrap();
    assert_eq!(flatness.len(), once.len());
    assert!(flatness.iter().all(|pair| pair["time_ratio"].is_number()), "{flatness:#?}");
}

#[test]
fn unknown_operations_are_found_out_about_at_a_pace() {
    let temporary = tempfile::tempdir().unwrap();
    let output = bench(&["--seconds", "1", "--recovery", "400", "--json"], temporary.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(entries(temporary.path()), 0, "something was left behind");
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    let recovery = &whole["recovery"][0];
    let (paced, unpaced) = (&recovery["paced"], &recovery["unpaced"]);
    let (ended, allowed) = (positive(paced, "ended"), positive(paced, "looks_per_second_allowed"));
    // The first look is at once, so one more than the pace; a second that has begun counts whole.
    assert!(ended <= allowed * (positive(paced, "milliseconds") / 1_000 + 1) + 1, "{recovery:#}");
    assert_eq!(ended + positive(unpaced, "ended"), 400, "{recovery:#}");
    assert_eq!(unpaced["left"], 0);
    if cfg!(target_os = "linux") {
        assert!(positive(unpaced, "resident_bytes_peak") >= positive(unpaced, "resident_bytes_before"));
    }
}

/// An outside load generator, over loopback. Where it cannot be installed the test says so and passes; with `CI` it fails.
#[test]
fn every_route_is_measured_beside_the_embedded_call() {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/install-wrk.sh");
    let installed = Command::new("bash").arg(script).stdin(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("CI").is_none(), "wrk could not be installed: see above");
        eprintln!("skipped: there is no load generator; install wrk");
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let output = bench(&["--seconds", "1", "--concurrency", "2", "--routes", "1000", "--json"], temporary.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(entries(temporary.path()), 0, "something was left behind");
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    let routes = whole["routes"].as_array().unwrap();
    assert_eq!(routes.len(), 7, "{whole:#}");
    for route in routes {
        for name in ["embedded_per_second", "http_per_second", "http_requests", "http_p50_micros"] {
            positive(route, name);
        }
        assert!(positive(route, "http_p50_micros") <= positive(route, "http_p99_micros"), "{route:#}");
        assert!(route["http_to_embedded"].as_f64().unwrap() > 0.0, "{route:#}");
    }
}

#[test]
fn people_read_the_same_in_lines() {
    let temporary = tempfile::tempdir().unwrap();
    let output = bench(&["--seconds", "1", "--concurrency", "2", "--via", "embedded"], temporary.path());
    let (told, warned) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{warned}");
    for phrase in ["synchronous=FULL", "flows/s", "changes a commit", "bytes a flow", "MiB resident", "p99", "refund"] {
        assert!(told.contains(phrase), "{phrase}\n{told}");
    }
    assert_eq!(warned.contains("--release"), cfg!(debug_assertions), "{warned}");
}

#[test]
fn a_database_that_holds_anything_is_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("till.db");
    std::fs::write(&file, b"something").unwrap();
    let output = bench(&["--seconds", "1", "--database", file.to_str().unwrap()], temporary.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("not used for a benchmark"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(&file).unwrap(), b"something");
    assert_eq!(entries(temporary.path()), 1);
}

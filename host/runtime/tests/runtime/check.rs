//! What is refused before it runs, and what the refusal says.

use tillbox_artifacts::{
    DECLARES_MORE, DESCRIBE_DIFFERS, DESCRIBE_HOARDS, DESCRIBE_LOGS, DESCRIBE_LOOPS, ECHO, MANUAL, STRIPE_MOCK,
    STRIPE_MOCK_MANIFEST, WANTS_HTTP, WANTS_SOCKETS, WRONG_VERSION,
};
use tillbox_runtime::limits::COMPONENT_BYTES_MAX;
use tillbox_runtime::manifest::Manifest;
use tillbox_runtime::{CheckError, Grants, Runtime, RuntimeConfig};

use crate::support::{package, runtime};

async fn refusal(bytes: &[u8]) -> CheckError {
    match runtime().check(bytes).await {
        Err(error) => error,
        Ok(package) => panic!("accepted: {:?}", package.report()),
    }
}

#[tokio::test]
async fn what_is_no_component_is_told_what_it_is() {
    let core_module: &[u8] = &[0, b'a', b's', b'm', 1, 0, 0, 0];
    let empty_component: &[u8] = &[0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    let compiled = {
        let engine = wasmtime::Engine::default();
        engine.precompile_component(empty_component).unwrap()
    };
    let cases: [(&[u8], &str, &str); 9] = [
        (b"", "component_not_wasm", "empty"),
        (b"hello", "component_not_wasm", "no WebAssembly"),
        (b"(component)", "component_not_wasm", "text format"),
        (&[0, b'a', b's', b'm', 9, 9, 9, 9], "component_not_wasm", "nothing known"),
        (core_module, "component_core_module", "wasm32-wasip2"),
        (&compiled, "component_precompiled", ".wasm"),
        (&ECHO[..ECHO.len() / 2], "component_invalid", "valid"),
        (&[0, b'a', b's', b'm', 0x0d, 0, 1, 0, 99, 200], "component_invalid", "valid"),
        (empty_component, "contract_missing", "tillbox:provider/payments@0.1.0"),
    ];
    for (bytes, code, words) in cases {
        let error = refusal(bytes).await;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(refusal(&vec![0; COMPONENT_BYTES_MAX + 1]).await.code(), "component_too_large");
}

#[tokio::test]
async fn another_contract_version_is_refused_with_both_versions() {
    let error = refusal(WRONG_VERSION).await;
    assert_eq!(error.code(), "contract_version");
    let text = error.to_string();
    assert!(text.contains("9.9.0") && text.contains("0.1.0"), "{text}");
}

#[tokio::test]
async fn describe_is_pure_small_and_quick_or_refused() {
    let start = std::time::Instant::now();
    let cases = [
        (DESCRIBE_DIFFERS, "describe_differs", "same bytes"),
        (DESCRIBE_LOGS, "describe_fault", "log.write"),
        (DESCRIBE_LOOPS, "describe_fault", "1000 ms"),
        (DESCRIBE_HOARDS, "describe_fault", "memory limit"),
        (DECLARES_MORE, "declared_not_exported", "webhooks"),
    ];
    for (bytes, code, words) in cases {
        let error = refusal(bytes).await;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(start.elapsed().as_secs() < 120, "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_was_not_granted_is_refused_by_name() {
    // `http` brings the handles of `secrets` along.
    let http = package(WANTS_HTTP).await;
    assert_eq!(http.report().interfaces_wanted, ["secrets", "http"]);
    let error = http.grant(Grants::default()).unwrap_err();
    assert_eq!(error.code(), "import_not_granted");
    let text = error.to_string();
    assert!(text.contains("tillbox:provider/http@0.1.0"), "{text}");
    assert!(text.contains("interfaces = [\"secrets\", \"http\"]"), "{text}");
    assert!(text.contains("to grant it, add:"), "{text}");
    let granted = Grants { interfaces: vec!["secrets".into(), "http".into()], ..Grants::default() };
    assert!(http.grant(granted).is_ok());

    let error = refusal(WANTS_SOCKETS).await;
    assert_eq!(error.code(), "import_not_granted");
    assert!(error.to_string().contains("wasi:sockets/"), "{error}");
}

#[tokio::test]
async fn settings_are_checked_at_the_grant() {
    let mock = package(STRIPE_MOCK).await;
    let grant = |text: &str| mock.grant(Grants::with_settings(serde_json::from_str(text).unwrap()));
    assert!(grant(r#"{"capture_method":"automatic"}"#).is_ok());
    for bad in [r#"{"capture_method":"later"}"#, r#"{"capture_metod":"manual"}"#] {
        let error = grant(bad).unwrap_err();
        assert_eq!(error.code(), "settings_invalid");
        assert!(error.to_string().contains("setting `capture_met"), "{error}");
    }
}

#[tokio::test]
async fn the_report_says_what_the_component_is() {
    let mock = package(STRIPE_MOCK).await;
    let report = mock.report();
    assert_eq!((report.identifier.as_str(), report.size_bytes), ("stripe-mock", STRIPE_MOCK.len()));
    assert_eq!(report.contract_version, "0.1.0");
    assert_eq!(report.digest_sha256.len(), 64);
    assert!(report.capabilities.webhooks && report.capabilities.partial_capture);
    assert!(report.exports.iter().any(|name| name == "tillbox:provider/webhooks@0.1.0"), "{:?}", report.exports);
    assert_eq!(report.warnings, Vec::<String>::new());
    assert!(serde_json::to_string(report).is_ok());
    Manifest::parse(STRIPE_MOCK_MANIFEST).unwrap().compare(&mock).unwrap();

    let manual = package(MANUAL).await;
    let difference = Manifest::parse(STRIPE_MOCK_MANIFEST).unwrap().compare(&manual).unwrap_err();
    assert!(
        difference.to_string().contains("stripe-mock") && difference.to_string().contains("manual"),
        "{difference}"
    );
}

#[tokio::test]
async fn a_second_start_takes_it_from_the_cache() {
    let directory = tempfile::tempdir().unwrap();
    let config = || RuntimeConfig {
        cache_directory: Some(directory.path().to_owned()),
        calls_max: 2,
        ..RuntimeConfig::default()
    };
    let first = Runtime::new(config()).unwrap().check(ECHO).await.unwrap();
    let second = Runtime::new(config()).unwrap().check(ECHO).await.unwrap();
    assert!(!first.report().from_cache && second.report().from_cache);
    assert!(second.grant(Grants::default()).is_ok());
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "aot") {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let third = Runtime::new(config()).unwrap().check(ECHO).await.unwrap();
    assert!(!third.report().from_cache, "a tampered file was used");
}

//! How many core instances, memories and tables a component may have, with a pool and without one.
//!
//! With a pool the engine refuses to compile what has more; without one the store's limiter refuses to instantiate it,
//! and says so in words only: the second half fails when the engine's wording changes.
//!
//! The components are made here: a well-behaved one, and core instances appended that nobody uses. What the binary format
//! looks like is the component model's "Binary.md". It refuses to count what the engine adds by itself, which is nothing
//! for this component: its first test would fail.

use tillbox_artifacts::ECHO;
use tillbox_runtime::fault::LimitKind;
use tillbox_runtime::limits::{INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};
use tillbox_runtime::{CheckError, Fault, Runtime, RuntimeConfig};
use wasmparser::{Parser, Payload};

/// A core module with nothing in it, with one empty memory, and with one empty table of function references.
const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
const MEMORY: &[u8] = b"\0asm\x01\0\0\0\x05\x03\x01\0\0";
const TABLE: &[u8] = b"\0asm\x01\0\0\0\x04\x04\x01\x70\0\0";

/// What a component has. Components nested in it hold types and no code, so that nothing counts twice.
#[derive(Debug, Default, Clone, Copy)]
struct Parts {
    modules: usize,
    instances: usize,
    memories: usize,
    tables: usize,
}

fn parts(component: &[u8]) -> Parts {
    let (mut parts, mut depth) = (Parts::default(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.unwrap();
        if let Payload::ModuleSection { .. } = payload {
            assert_eq!(depth, 0, "a nested component with code");
            parts.modules += 1;
            depth += 1;
        } else if let Payload::ComponentSection { .. } = payload {
            depth += 1;
        } else if let Payload::End(_) = payload {
            depth = depth.saturating_sub(1);
        } else if let Payload::InstanceSection(section) = payload {
            let made = |instance| matches!(instance, wasmparser::Instance::Instantiate { .. });
            parts.instances += section.into_iter().filter(|instance| made(instance.clone().unwrap())).count();
        } else if let Payload::MemorySection(section) = payload {
            parts.memories += section.count() as usize;
        } else if let Payload::TableSection(section) = payload {
            parts.tables += section.count() as usize;
        }
    }
    parts
}

/// Appends a module and this many instances of it.
fn with(module: &[u8], count: usize) -> Vec<u8> {
    let small = |number: usize| u8::try_from(number).ok().filter(|number| *number < 128).expect("one byte of LEB128");
    let mut component = ECHO.to_vec();
    component.extend([1, small(module.len())]);
    component.extend(module);
    let index = small(parts(ECHO).modules);
    for _ in 0..count {
        // A section of one core instance: instantiate the module without arguments.
        component.extend([2, 4, 1, 0, index, 0]);
    }
    component
}

/// What is counted, how much of it is allowed, and components with exactly that and with one more.
fn cases() -> [(&'static str, usize, Vec<u8>, Vec<u8>); 3] {
    let has = parts(ECHO);
    let case = |what, allowed: usize, there: usize, module| {
        assert!(there < allowed, "{what}: {there} of {allowed}");
        (what, allowed, with(module, allowed - there), with(module, allowed - there + 1))
    };
    [
        case("instance", INSTANCES_MAX, has.instances, EMPTY),
        case("memor", MEMORIES_MAX, has.memories, MEMORY),
        case("table", TABLES_MAX, has.tables, TABLE),
    ]
}

#[tokio::test]
async fn with_a_pool_a_component_of_too_many_parts_is_not_compiled() {
    let runtime = Runtime::new(RuntimeConfig { calls_max: 2, ..RuntimeConfig::default() }).unwrap();
    assert!(matches!(runtime.allocation(), tillbox_runtime::engine::Allocation::Pooling { .. }));
    for (what, allowed, most, more) in cases() {
        let package = runtime.check(&most).await;
        assert!(package.is_ok(), "{what}: {:?}", package.err());
        let Err(CheckError::Compile(words)) = runtime.check(&more).await else { panic!("{what}: accepted") };
        assert!(words.contains(what) && words.contains(&format!("configured maximum of {allowed} ")), "{words}");
    }
}

#[tokio::test]
async fn without_a_pool_a_component_of_too_many_parts_does_not_start() {
    let runtime = Runtime::new(RuntimeConfig { calls_max: 2, pooling: false, ..RuntimeConfig::default() }).unwrap();
    for (what, allowed, most, more) in cases() {
        let package = runtime.check(&most).await;
        assert!(package.is_ok(), "{what}: {:?}", package.err());
        let refused = runtime.check(&more).await.unwrap_err();
        let want = Fault::Limit { which: LimitKind::Instances, used: None, allowed: allowed as u64 };
        assert_eq!(refused, CheckError::Describe(want), "{what}");
    }
}

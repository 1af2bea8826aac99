//! What bytes are, before anything is compiled: a component or not, valid or not, and which names it imports and exports.
//!
//! It reads the raw names and judges the contract's version by them. It runs nothing and trusts nothing: every byte is
//! an allegation until the validator agreed.

use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::component::CheckError;
use crate::interfaces::{self, Access, CONTRACT_PACKAGE, CONTRACT_VERSION, PAYMENTS};
use crate::limits::COMPONENT_BYTES_MAX;

/// Names of a valid component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Raw names of the imports, in order.
    pub(crate) imports: Vec<String>,
    /// Raw names of the exports, in order.
    pub(crate) exports: Vec<String>,
}

impl Shape {
    /// Whether one of the contract's interfaces is exported.
    pub(crate) fn exports(&self, interface: &str) -> bool {
        let name = interfaces::full_name(interface);
        self.exports.contains(&name)
    }
}

/// The proposals a component may use: those the engine has on (see `engine`), no others.
pub(crate) fn features() -> WasmFeatures {
    let mut features = WasmFeatures::WASM2;
    features.insert(WasmFeatures::TAIL_CALL);
    features.insert(WasmFeatures::EXTENDED_CONST);
    features.insert(WasmFeatures::RELAXED_SIMD);
    features.insert(WasmFeatures::COMPONENT_MODEL);
    features.remove(WasmFeatures::GC_TYPES);
    features
}

/// Reads the shape, cheapest question first.
pub(crate) fn read(bytes: &[u8]) -> Result<Shape, CheckError> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(CheckError::TooLarge { bytes: bytes.len(), bytes_max: COMPONENT_BYTES_MAX });
    }
    is_component(bytes)?;
    let shape = names(bytes).map_err(|error| CheckError::Invalid(error.to_string()))?;
    Validator::new_with_features(features())
        .validate_all(bytes)
        .map_err(|error| CheckError::Invalid(error.to_string()))?;
    contract_version(&shape)?;
    known_imports(&shape)?;
    Ok(shape)
}

/// The first eight bytes: magic, version, layer (component-model binary format, "preamble").
fn is_component(bytes: &[u8]) -> Result<(), CheckError> {
    let what = match bytes {
        [] => "the file is empty",
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            return Err(CheckError::CoreModule);
        }
        [0, b'a', b's', b'm', ..] => "it starts like WebAssembly and goes on like nothing known",
        _ if wasmtime::Engine::detect_precompiled(bytes).is_some() => return Err(CheckError::Precompiled),
        // Whatever else an ELF file is, it is machine code.
        [0x7f, b'E', b'L', b'F', ..] => return Err(CheckError::Precompiled),
        [b'(', ..] => "it looks like the text format; convert it with `wasm-tools parse`",
        _ => "it is no WebAssembly at all",
    };
    Err(CheckError::NotAComponent(what))
}

/// Names of the outermost component only; nested ones are its own business.
fn names(bytes: &[u8]) -> Result<Shape, wasmparser::BinaryReaderError> {
    let mut shape = Shape { imports: Vec::new(), exports: Vec::new() };
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum of sixty sections, four of which matter")]
        match payload? {
            Payload::Version { encoding, .. } => {
                debug_assert!(depth > 0 || encoding == Encoding::Component);
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    shape.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    shape.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(shape)
}

/// The mandatory export is there, and every name of the contract has this host's version.
fn contract_version(shape: &Shape) -> Result<(), CheckError> {
    for raw in shape.exports.iter().chain(&shape.imports) {
        let Some(name) = interfaces::split(raw) else { continue };
        if name.package == CONTRACT_PACKAGE && name.version != CONTRACT_VERSION {
            return Err(CheckError::ContractVersion {
                interface: name.interface.to_owned(),
                found: name.version.to_owned(),
                spoken: CONTRACT_VERSION,
            });
        }
    }
    if !shape.exports(PAYMENTS) {
        return Err(CheckError::MandatoryMissing { interface: interfaces::full_name(PAYMENTS) });
    }
    Ok(())
}

fn known_imports(shape: &Shape) -> Result<(), CheckError> {
    for raw in &shape.imports {
        let import = raw.chars().take(128).collect();
        match interfaces::access(raw) {
            Access::Free | Access::Grant { .. } => {}
            Access::Never { instead } => return Err(CheckError::NeverGranted { import, instead }),
            Access::Unknown => return Err(CheckError::UnknownImport { import }),
        }
    }
    Ok(())
}

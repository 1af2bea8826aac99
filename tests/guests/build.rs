//! Makes the one instruction that stable Rust cannot write: `table.grow`, as an object file for the linker.
//!
//! It refuses to do anything for native builds, where the examples are compiled but never run.

use std::path::PathBuf;

/// A relocatable WebAssembly object with `tillbox_grow_table(elements: i32) -> i32`. By hand, since there is neither an
/// assembler nor an unstable compiler to count on. The layout is that of the tool conventions' "Linking.md", version 2.
#[rustfmt::skip]
const GROW_TABLE_OBJECT: &[u8] = &[
    b'\0', b'a', b's', b'm', 1, 0, 0, 0,
    // Type section: one type, (i32) -> (i32).
    1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f,
    // Function section: one function, of type 0.
    3, 2, 1, 0,
    // Code section: one body without locals. ref.null func; local.get 0; table.grow 0; end. Without a relocation the
    // table's number stays 0, which is the number the linker gives to the table of function pointers.
    10, 11, 1, 9, 0, 0xd0, 0x70, 0x20, 0, 0xfc, 15, 0, 0x0b,
    // Custom section "linking", version 2, with a symbol table of one symbol: function 0 by its name, global.
    0, 34, 7, b'l', b'i', b'n', b'k', b'i', b'n', b'g', 2,
    8, 23, 1, 0, 0, 0, 18,
    b't', b'i', b'l', b'l', b'b', b'o', b'x', b'_', b'g', b'r', b'o', b'w', b'_', b't', b'a', b'b', b'l', b'e',
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    let object = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("grow_table.o");
    std::fs::write(&object, GROW_TABLE_OBJECT).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-arg={}", object.display());
    // Without it the linker gives the table a maximum, and the engine refuses to grow it before the host is asked.
    println!("cargo::rustc-link-arg=--growable-table");
}

//! A payment host: the payment core, and every provider a sandboxed WebAssembly component.

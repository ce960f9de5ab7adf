// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The rule by which a livepatch or a tracer names a symbol of a `ThinLTO` kernel.
//!
//! Clang's `ThinLTO` renames a static that another file needs to `foo.llvm.<hash>`, and the hash
//! changes with any edit. This crate is the one place that says which symbols a name means all the
//! same. The kernel module and the generator compile these same files, so they cannot disagree.
//!
//! ```
//! use klp_policy::{cleanup_symbol_name, Query};
//!
//! assert_eq!(cleanup_symbol_name(b"init_once.llvm.14172910296636650566"), *b"init_once");
//! assert_eq!(cleanup_symbol_name(b"bpf_verifier_vlog._entry"), *b"bpf_verifier_vlog._entry");
//! assert!(matches!(Query::new(b"init_once.llvm.*"), Query::Any(_)));
//! ```

#![no_std]
#![forbid(unsafe_code)]

// The kernel module declares the same `mod.rs` as a module of its own; what only a crate root may
// say stands here.
#[path = "mod.rs"]
mod policy;

pub use policy::*;

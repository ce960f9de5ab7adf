// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Emits and checks the relocation metadata of kernel livepatches.
//!
//! [`elf`] reads files, [`kallsyms`] makes the [`symbols`] of a kernel from them, [`target`] combines a
//! kernel and its modules, [`resolve`] looks up symbols, and [`check`] predicts the kernel's verdict on a
//! livepatch:
//!
//! ```no_run
//! use klp_gen::check::check_file;
//! use klp_gen::target::{Target, TargetFiles};
//! use klp_policy::Policy;
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = TargetFiles::open(Some(Path::new("vmlinux")), &[], None)?;
//! let target = Target::load(&files)?;
//! let livepatch = std::fs::read("livepatch.ko")?;
//! let report = check_file("livepatch.ko".into(), &livepatch, &target, Policy::Exact, &[])?;
//! for finding in report.findings {
//!     println!("{} {}: {}", finding.status(), finding.subject, finding.message().unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Policy`](klp_policy::Policy) is the rule of the kernel: `Exact` for one without `klp_sympos`, `Llvm`
//! with it.

#![forbid(unsafe_code)]

pub mod audit;
pub mod bitcode;
pub mod build;
pub mod check;
pub mod collisions;
pub mod convert;
pub mod elf;
pub mod error;
pub mod explain;
pub mod file;
pub mod kallsyms;
pub mod livepatch;
pub mod printable;
pub mod release;
pub mod resolve;
pub mod symbols;
pub mod target;

pub use error::{Error, ErrorKind, Result};

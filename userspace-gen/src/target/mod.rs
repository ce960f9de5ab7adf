// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel and the modules that a livepatch is for.

mod build_directory;
mod cfi;
mod exports;
mod files;
mod ftrace;
mod link_order;
mod module_list;
mod module_name;
mod not_given;
mod object;
mod objects;
mod rule;
mod running;
pub mod sources;
mod symvers;
mod version;

pub use build_directory::{read_regular, BuildDirectory};
pub use cfi::CallCheck;
pub use exports::{Export, Untold};
pub use files::{module_in, TargetFiles};
pub use ftrace::Traceable;
pub(crate) use link_order::read as archive_members;
pub use module_list::{BuiltModule, ModuleLists};
pub use module_name::{impossible, module_name};
pub use object::Object;
pub use objects::Target;
pub use rule::rule_of;
pub use sources::Sources;
pub use symvers::{Symvers, SymversEntry};

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Tests of klp-gen on small ELF files that are made here: no kernel has to be there.

mod audit;
mod build;
mod build_compare;
mod build_extract;
mod by_file;
mod check;
mod collisions;
mod command;
mod content;
mod convert;
mod debug_only;
mod documents;
mod elsewhere;
mod explain;
mod ftrace;
mod full_names;
mod golden;
mod interface;
mod kallsyms;
mod manual;
mod mismatches;
mod modules;
mod names;
mod output;
mod properties;
mod robustness;
mod schema;
mod shell;
mod symbols;
mod terminal;

use klp_testkit::{elf, kernel, livepatch};

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Compares what `klp-gen collisions` takes for promotable with what a link did promote.
//!
//! `promoted_oracle VMLINUX LLVM INPUT...`: VMLINUX is linked from the INPUTs, with suffixes. Every name
//! that was promoted has to be that of a promotable static in at least one of them.

use anyhow::{bail, Context as _, Result};
use klp_gen::bitcode::{FatObjects, LinkInputs, Llvm};
use klp_gen::printable::shown;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::{cleanup_symbol_name, Policy};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let vmlinux = args.next().context("expected VMLINUX LLVM INPUT...")?;
    let llvm = Llvm::new(&args.next().context("expected VMLINUX LLVM INPUT...")?);
    let paths: Vec<_> = args.map(PathBuf::from).collect();
    let inputs = LinkInputs::open(&paths, FatObjects::Code)?;
    let tools = llvm.tools(inputs.bitcode())?;
    let files = TargetFiles::open(Some(Path::new(&vmlinux)), &[], None)?;
    let target = Target::load(&files)?;

    let everything: Vec<_> = (0..inputs.bitcode().len()).collect();
    let modules = tools.disassemble(inputs.bitcode(), &everything)?;
    let mut promoted = BTreeSet::new();
    for (entry, _) in target.objects()[0].symbols.live(Policy::Exact) {
        let clean: Vec<u8> = cleanup_symbol_name(entry.name.0).bytes().collect();
        // String literals are private, not static: nothing else can have their names.
        if clean != entry.name.0 && !clean.starts_with(b".") {
            promoted.insert(clean);
        }
    }
    // kCFI puts a symbol before each function, which has the suffix of the function.
    let is_of_kcfi = |name: &[u8]| {
        let function = name.strip_prefix(b"__cfi_");
        function.is_some_and(|function| promoted.contains(function))
    };
    let unexpected: Vec<_> = promoted
        .iter()
        .filter(|name| !is_of_kcfi(name))
        .filter(|name| !modules.iter().any(|(_, m)| m.promotable(name).is_some()))
        .collect();
    println!("{} promoted names", promoted.len());
    for name in &unexpected {
        println!("not promotable: {}", shown(name));
    }
    if promoted.is_empty() || !unexpected.is_empty() {
        bail!(
            "{} of {} were not expected",
            unexpected.len(),
            promoted.len()
        );
    }
    Ok(())
}

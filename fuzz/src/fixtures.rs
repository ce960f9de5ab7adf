// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Small valid files of klp-gen's own tests, as first inputs.

use crate::kernel::{self, Files};
use crate::livepatch::Livepatch;
use klp_gen::convert::{convert, Conversion};
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use std::cell::OnceCell;

/// Runs `f` with a kernel and a module, which are read only once.
///
/// # Panics
///
/// Temporary files cannot be written.
pub fn with_target<T>(f: impl FnOnce(&Target<'static>) -> T) -> T {
    thread_local! {
        static TARGET: OnceCell<Target<'static>> = const { OnceCell::new() };
    }
    TARGET.with(|target| {
        f(target.get_or_init(|| {
            let files: &'static TargetFiles = Box::leak(Box::new(Files::new().open()));
            Target::load(files).expect("the kernel of the tests")
        }))
    })
}

/// Returns a kernel image.
#[must_use]
pub fn vmlinux() -> Vec<u8> {
    let mut kernel = kernel::vmlinux();
    // Nobody reads what is in these, and libFuzzer should not spend its time there.
    for section in &mut kernel.sections {
        if section.name != ".init.data" {
            section.data.truncate(8);
        }
    }
    kernel.build()
}

/// Returns a module.
#[must_use]
pub fn module() -> Vec<u8> {
    kernel::module().build()
}

/// Returns a livepatch, as modpost leaves it.
#[must_use]
pub fn livepatch() -> Vec<u8> {
    let objects: [(Option<&str>, &[_]); 2] = [
        (None, &[("promoted", 0), ("init_once", 2)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let mut livepatch = Livepatch::replacing(&objects)
        .call("table")
        .call("promoted")
        .call("state")
        .call("_printk")
        .call(".klp.sym.vmlinux.init_once.llvm.*,3");
    let text = livepatch.text;
    livepatch.elf.sections[text].data.truncate(0x80);
    for relocation in &mut livepatch.elf.sections[text].relocations {
        relocation.offset = relocation.offset.min(0x78);
    }
    let symbols = livepatch.elf.symbols.iter_mut();
    for init in symbols.filter(|symbol| symbol.name == "init_module") {
        (init.value, init.size) = (0x70, 0x10);
    }
    livepatch.build()
}

/// Returns the same livepatch, converted.
///
/// # Panics
///
/// The livepatch cannot be converted.
#[must_use]
pub fn converted() -> Vec<u8> {
    let done = with_target(|target| convert("livepatch", &livepatch(), target, Policy::Llvm));
    match done {
        Ok(Conversion::Done(converted)) => converted.bytes,
        other => panic!("the livepatch of the tests is not converted: {other:?}"),
    }
}

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Objects, and what stands around them: `klp_enable_patch()`, `klp_init_object()`.

use super::variant::Base::{Function, Patch, Twins};
use super::variant::Order::{First, Later};
use super::variant::{bad, good, Variant};

pub const VARIANTS: &[Variant] = &[
    good("objects-first", Patch, |_, _| Ok(())).with(First),
    good("objects-later", Patch, |_, _| Ok(())).with(Later),
    good("objects-replace", Patch, |m, _| m.replace()).with(First),
    good("object-named-vmlinux", Twins, |m, _| m.object(0, "vmlinux")),
    good("object-with-dash", Twins, |m, _| m.object(0, "klp-twins")),
    good("object-with-dot", Twins, |m, _| m.object(0, "klp.twins")),
    bad("object-56", Twins, |m, _| m.object(0, &"v".repeat(56))),
    bad("object-twice", Patch, |m, _| m.object_vmlinux(1)).with(First),
    bad("object-without-functions", Twins, |m, _| m.no_functions(0)).with(First),
    // Both are wrong: objects are looked at in their order, and relocations with their object.
    bad("objects-function-and-relocation", Patch, |m, _| {
        m.function(0, "no_such_function", 0)?;
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.no_such_symbol,0")
    })
    .with(First),
    bad("objects-untraceable-and-unknown", Patch, |m, _| {
        m.function(0, "do_syscall_64", 0)?;
        m.function_of("twins_funcs", 0, "no_such_twin", 0)
    })
    .with(First),
    bad("patch-without-module", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.no_module()
    }),
    bad("patch-without-objects", Function, |m, _| m.no_objects()),
    // Only livepatch=<anything> makes a module a livepatch.
    bad("not-marked", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.modinfo("livepatch", None)
    }),
    // klp_check_patch()
    bad("not-marked-and-no-old-name", Function, |m, _| {
        m.no_old_name(0)?;
        m.modinfo("livepatch", None)
    }),
    good("marked-otherwise", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.modinfo("livepatch", Some("N"))
    }),
];

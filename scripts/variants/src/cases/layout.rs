// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Sizes, alignments and places of sections, which the module loader trusts: `layout_sections()`,
//! `percpu_modalloc()`, `get_next_modinfo()` in kernel/module/main.c.
//!
//! Sections that it would put over others are not among them, since the kernel does not always survive those;
//! nor per-cpu variables for which there is no memory, since it warns of itself then.

use super::variant::Base::{Function, Patch, Symbol};
use super::variant::Order::First;
use super::variant::{bad, good, Variant};
use crate::edit::{move_section, resize_section, retype_section};
use object::elf::{SHT_NOBITS, SHT_NULL};

pub const VARIANTS: &[Variant] = &[
    // module_get_offset_and_type()
    good("alignment-odd", Symbol, |m, _| m.align(".data", 24)),
    good("alignment-more-than-a-page", Symbol, |m, _| {
        m.align(".data", 1 << 14)
    }),
    // What is only read gets no memory.
    good("alignment-of-modinfo", Symbol, |m, _| {
        m.align(".modinfo", 1 << 31)
    }),
    bad("alignment-2-gib", Symbol, |m, _| {
        m.align(".symtab", 1 << 31)
    }),
    bad("size-3-gib", Symbol, |m, _| {
        m.add_bss(3 << 30, 8);
        Ok(())
    }),
    bad("size-and-alignment-without-memory", Symbol, |m, _| {
        m.add_bss(64, 1 << 31);
        Ok(())
    }),
    // percpu_modalloc()
    good("per-cpu-variable", Symbol, |m, _| {
        m.add_per_cpu(64, 64);
        Ok(())
    }),
    good("per-cpu-alignment-more-than-a-page", Symbol, |m, _| {
        m.add_per_cpu(64, 1 << 13);
        Ok(())
    }),
    // A string of .modinfo ends where it ends.
    good("modinfo-earlier", Symbol, |m, _| {
        m.patch_file(|file| move_section(file, ".modinfo", |offset| offset - 24));
        Ok(())
    }),
    good("modinfo-shorter", Symbol, |m, _| {
        m.patch_file(|file| resize_section(file, ".modinfo", |size| size - 24));
        Ok(())
    }),
    bad("modinfo-of-one-string", Symbol, |m, _| {
        m.patch_file(|file| resize_section(file, ".modinfo", |_| 0));
        Ok(())
    }),
    // Its type is not looked at.
    good("modinfo-without-bytes", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.patch_file(|file| retype_section(file, ".modinfo", SHT_NOBITS));
        Ok(())
    }),
    good("modinfo-null", Symbol, |m, _| {
        m.patch_file(|file| retype_section(file, ".modinfo", SHT_NULL));
        Ok(())
    }),
    // How long a variable is, its symbol says to nobody.
    good("patch-without-size", Patch, |m, _| {
        m.variable_size("patch", 0)
    })
    .with(First),
    good("funcs-without-size", Patch, |m, _| {
        m.variable_size("funcs", 8)
    })
    .with(First),
    bad("funcs-without-size-unknown", Patch, |m, _| {
        m.function(1, "no_such_function", 0)?;
        m.variable_size("funcs", 8)
    })
    .with(First),
];

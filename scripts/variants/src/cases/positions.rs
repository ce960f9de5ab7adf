// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names and positions of livepatch symbols.

use super::variant::Base::{Example, Needs, Symbol};
use super::variant::{bad, good, helped, kept, Variant};
use klp_policy::Policy;

/// Several static functions of vmlinux have this name, and nothing of that name is promoted.
const MANY: &str = "event_show";

pub const VARIANTS: &[Variant] = &[
    // A name that one symbol has.
    good("unique-0", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,0")
    }),
    good("unique-1", Symbol, |_, _| Ok(())),
    bad("unique-2", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,2")
    }),
    good("function-0", Symbol, |m, _| {
        m.vmlinux_symbol("cmdline_proc_show,0")
    }),
    good("static-local", Symbol, |m, _| {
        m.vmlinux_symbol("input_allocate_device.input_no,0")
    }),
    good("longest-name", Symbol, |m, names| {
        m.vmlinux_symbol(&format!("{},1", names.longest()?))
    }),
    good("string-literal", Symbol, |m, names| {
        m.vmlinux_symbol(&format!("{},0", names.string_literal()?))
    }),
    good("per-cpu", Symbol, |m, _| {
        m.vmlinux_symbol("arch_freq_scale,0")
    }),
    // A name that several symbols have.
    bad("many-0", Symbol, |m, _| m.vmlinux_symbol("event_show,0")),
    good("many-first", Symbol, |m, _| {
        m.vmlinux_symbol("event_show,1")
    }),
    good("many-middle", Symbol, |m, _| {
        m.vmlinux_symbol("event_show,4")
    }),
    good("many-last", Symbol, |m, names| {
        m.vmlinux_symbol(&format!("{MANY},{}", names.count(MANY)?))
    }),
    bad("many-past-the-last", Symbol, |m, names| {
        m.vmlinux_symbol(&format!("{MANY},{}", names.count(MANY)? + 1))
    }),
    good("most-repeated-last", Symbol, |m, names| {
        let (name, count) = names.most_repeated()?;
        m.vmlinux_symbol(&format!("{name},{count}"))
    }),
    // A name that no symbol has.
    bad("unknown-0", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,0")
    }),
    bad("unknown-1", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,1")
    }),
    bad("address-zero", Symbol, |m, _| {
        m.vmlinux_symbol("fixed_percpu_data,0")
    }),
    // A promoted symbol.
    kept("promoted-plain-0", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask,0")
    }),
    kept("promoted-plain-1", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask,1")
    }),
    bad("promoted-plain-2", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask,2")
    }),
    good("promoted-full-0", Symbol, |m, names| {
        m.vmlinux_symbol(&format!(
            "{},0",
            names
                .promoted("tainted_mask")
                .or_else(|_| names.other_literal())?
        ))
    }),
    good("promoted-full-1", Symbol, |m, names| {
        m.vmlinux_symbol(&format!(
            "{},1",
            names
                .promoted("tainted_mask")
                .or_else(|_| names.other_literal())?
        ))
    }),
    bad("promoted-full-2", Symbol, |m, names| {
        m.vmlinux_symbol(&format!(
            "{},2",
            names
                .promoted("tainted_mask")
                .or_else(|_| names.other_literal())?
        ))
    }),
    helped("promoted-any-0", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask.llvm.*,0")
    }),
    helped("promoted-any-1", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask.llvm.*,1")
    }),
    bad("promoted-any-2", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask.llvm.*,2")
    }),
    bad("promoted-other-hash", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask.llvm.1,0")
    }),
    // What is no hash.
    bad("suffix-without-hash", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask.llvm.,0")
    }),
    bad("suffix-not-hexadecimal", Symbol, |m, _| {
        m.vmlinux_symbol("tainted_mask.llvm.xyz,0")
    }),
    bad("suffix-of-a-clone", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line.constprop.0,0")
    }),
    // Every symbol of a name, promoted or not.
    helped("any-of-an-exact-name", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line.llvm.*,1")
    }),
    helped("any-of-a-static-local", Symbol, |m, _| {
        m.vmlinux_symbol("input_allocate_device.input_no.llvm.*,1")
    }),
    bad("any-of-many-0", Symbol, |m, _| {
        m.vmlinux_symbol("event_show.llvm.*,0")
    }),
    helped("any-of-many-last", Symbol, |m, names| {
        m.vmlinux_symbol(&format!("{MANY}.llvm.*,{}", names.count(MANY)?))
    }),
    bad("any-of-none", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol.llvm.*,1")
    }),
    // What klp-gen itself writes, code and data.
    kept("example-for-klp-sympos", Example(Policy::Llvm), |_, _| {
        Ok(())
    }),
    helped("needs-klp-sympos", Needs, |_, _| Ok(())),
    good("example-for-stock", Example(Policy::Exact), |_, _| Ok(())),
];

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The ways to write a livepatch symbol: `klp_resolve_symbols()` reads it by `sscanf()`.

use super::variant::Base::{Patch, Symbol};
use super::variant::Order::{First, Later};
use super::variant::{bad, by, good, Variant};
use klp_policy::TooLarge;
use object::elf::{SHN_ABS, SHN_UNDEF};

pub const VARIANTS: &[Variant] = &[
    bad("name-511", Symbol, |m, _| {
        m.vmlinux_symbol(&format!("{},0", "a".repeat(511)))
    }),
    bad("name-512", Symbol, |m, _| {
        m.vmlinux_symbol(&format!("{},0", "a".repeat(512)))
    }),
    bad("name-empty", Symbol, |m, _| m.vmlinux_symbol(",0")),
    bad("name-with-comma", Symbol, |m, _| {
        m.vmlinux_symbol("saved,command_line,1")
    }),
    bad("name-with-spaces", Symbol, |m, _| {
        m.vmlinux_symbol("no such %s symbol,1")
    }),
    bad("no-position", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line")
    }),
    bad("position-empty", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,")
    }),
    bad("position-a-word", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,x")
    }),
    bad("position-negative", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,-1")
    }),
    bad("position-with-plus", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,+1")
    }),
    good("position-and-more", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,1x")
    }),
    good("position-after-space", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line, 1")
    }),
    good("position-with-zeros", Symbol, |m, _| {
        m.vmlinux_symbol("event_show,0004")
    }),
    // %lu reads decimal digits: the position is 0.
    good("position-hexadecimal", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,0x7")
    }),
    bad("position-largest", Symbol, |m, _| {
        m.vmlinux_symbol("saved_command_line,18446744073709551615")
    }),
    // It wraps round to 1, or is the largest number.
    by(
        "position-overflow",
        Symbol,
        |release| release.too_large == TooLarge::Wraps,
        |m, _| m.vmlinux_symbol("saved_command_line,18446744073709551617"),
    ),
    bad("objname-empty", Symbol, |m, _| {
        m.klp_symbol("vmlinux", ".klp.sym..saved_command_line,1")
    }),
    bad("objname-56", Symbol, |m, _| {
        let objname = "v".repeat(56);
        m.klp_symbol("vmlinux", &format!(".klp.sym.{objname}.f,1"))
    }),
    bad("objname-dash", Symbol, |m, _| {
        m.klp_symbol("vmlinux", ".klp.sym.klp-twins.twin,1")
    })
    .with(First),
    good("module-in-vmlinux-section", Symbol, |m, _| {
        m.klp_symbol("vmlinux", ".klp.sym.klp_twins.twin,1")
    })
    .with(First),
    bad("module-in-vmlinux-section-unknown", Symbol, |m, _| {
        m.klp_symbol("vmlinux", ".klp.sym.klp_twins.saved_command_line,1")
    })
    .with(First),
    bad("prefix-only", Symbol, |m, _| {
        m.klp_symbol("vmlinux", ".klp.sym.")
    }),
    bad("prefix-wrong", Symbol, |m, _| {
        m.klp_symbol("vmlinux", "klp.sym.vmlinux.saved_command_line,1")
    }),
    bad("prefix-missing", Symbol, |m, _| {
        m.klp_symbol("vmlinux", "saved_command_line")
    }),
    // Not SHN_LIVEPATCH.
    bad("undefined", Symbol, |m, _| m.klp_symbol_section(SHN_UNDEF)),
    bad("undefined-weak", Symbol, |m, _| m.klp_symbol_weak()),
    bad("absolute", Symbol, |m, _| m.klp_symbol_section(SHN_ABS)),
    bad("defined-here", Symbol, |m, _| {
        let own = u32::try_from(m.symbol("init_module")?)?;
        m.relocation_symbol(own)
    }),
    bad("null-symbol", Symbol, |m, _| m.relocation_symbol(0)),
    // Of a module, in the module's section.
    good("module-0", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.base,0")
    })
    .with(First),
    good("module-later-0", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.base,0")
    })
    .with(Later),
    bad("module-position", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.base,2")
    })
    .with(First),
    bad("module-later-position", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.base,2")
    })
    .with(Later),
    bad("module-unknown", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.no_such_symbol,0")
    })
    .with(First),
    bad("vmlinux-in-module-section", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.vmlinux.saved_command_line,1")
    })
    .with(First),
    bad("vmlinux-in-module-section-later", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.vmlinux.saved_command_line,1")
    })
    .with(Later),
    // Nobody looks it up without klp_twins.
    bad("module-malformed", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.base")
    })
    .with(First),
];

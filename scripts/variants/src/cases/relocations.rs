// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Sections of livepatch relocations, and what the module loader does with a relocation:
//! `klp_write_section_relocs()`, and `__write_relocate_add()` in arch/x86/kernel/module.c.

use super::variant::Base::{Example, Function, Patch, Symbol};
use super::variant::Order::First;
use super::variant::{bad, by, good, Variant};
use klp_policy::Policy;
use object::elf::{
    RelocationType, SectionFlags, R_X86_64_16, R_X86_64_32, R_X86_64_32S, R_X86_64_64,
    R_X86_64_GOTPCREL, R_X86_64_NONE, R_X86_64_PC32, R_X86_64_PC64, R_X86_64_PLT32, SHT_NOBITS,
    SHT_REL,
};
use object::LittleEndian;

pub const VARIANTS: &[Variant] = &[
    // The name of the section.
    bad("section-without-objname", Symbol, |m, _| {
        m.klp_section_name("vmlinux", ".klp.rela.")
    }),
    bad("section-objname-empty", Symbol, |m, _| {
        m.klp_section_name("vmlinux", ".klp.rela..data")
    }),
    bad("section-prefix-wrong", Symbol, |m, _| {
        m.klp_section_name("vmlinux", ".rela.vmlinux..data")
    }),
    good("section-without-section", Symbol, |m, _| {
        m.klp_section_name("vmlinux", ".klp.rela.vmlinux")
    }),
    good("section-of-another-section", Symbol, |m, _| {
        m.klp_section_name("vmlinux", ".klp.rela.vmlinux.text")
    }),
    good("section-of-no-object", Symbol, |m, _| {
        m.klp_section_name("vmlinux", ".klp.rela.nobody..data")
    }),
    good("section-objname-56", Symbol, |m, _| {
        m.klp_section_name("vmlinux", &format!(".klp.rela.{}..data", "v".repeat(56)))
    }),
    good("section-of-no-object-of-the-patch", Patch, |m, _| {
        m.klp_section_name("klp_twins", ".klp.rela.nobody..data")
    })
    .with(First),
    bad("section-of-vmlinux-with-module", Patch, |m, _| {
        m.klp_symbol("klp_twins", ".klp.sym.klp_twins.base,7")?;
        m.klp_section_name("klp_twins", ".klp.rela.vmlinux.module")
    })
    .with(First),
    // Where it is applied.
    good("section-of-what-is-not-loaded", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,0")?;
        let comment = m.section(".comment")?;
        m.klp_section_target(comment)
    }),
    good("section-of-no-section", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,0")?;
        m.klp_section_target(900)
    }),
    // apply_relocations() asks for the flag before the type.
    good("section-of-another-type", Symbol, |m, _| {
        let section = m.section(".klp.rela.")?;
        m.part(section).header.sh_type = SHT_REL;
        Ok(())
    }),
    // klp-gen refuses it: the symbol is 0.
    good("section-not-marked", Symbol, |m, _| {
        m.klp_section_unmarked()
    }),
    bad("section-not-marked-type", Symbol, |m, _| {
        m.klp_section_unmarked()?;
        m.relocation(R_X86_64_GOTPCREL, 0)
    }),
    // It has zeros in memory, and none of them is a livepatch symbol.
    bad("section-without-bytes", Symbol, |m, _| {
        let section = m.section(".klp.rela.")?;
        let part = m.part(section);
        part.header.sh_type = SHT_NOBITS;
        part.header.sh_size = 24;
        Ok(())
    }),
    good("section-of-what-is-only-read", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,0")?;
        let modinfo = m.section(".modinfo")?;
        m.klp_section_target(modinfo)
    }),
    // The symbols have memory, whatever their flags say.
    bad("section-of-the-symbols", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,0")?;
        let symtab = m.section(".symtab")?;
        m.klp_section_target(symtab)
    }),
    // All symbols of a section come before anything that is written.
    bad(
        "symbol-unknown-behind-type-unknown",
        Example(Policy::Exact),
        |m, _| {
            let section = m.section(".klp.rela.vmlinux.text")?;
            let [first, .., last] = m.relocations(section)? else {
                anyhow::bail!("fewer than two relocations");
            };
            let symbol = first.r_sym(LittleEndian, false);
            first.set_r_info(LittleEndian, false, symbol, R_X86_64_GOTPCREL);
            let unknown = last.r_sym(LittleEndian, false) as usize;
            m.rename(unknown, b".klp.sym.vmlinux.no_such_symbol,0")
        },
    ),
    // What writes nothing, or zeros, leaves the place to others.
    good("place-of-another-none", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.relocation_of_old_name(0, 0, R_X86_64_NONE)
    }),
    good("place-of-another-zero", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.relocation_of_old_name(0, 0, R_X86_64_64)
    }),
    bad("place-of-another", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        let symbol = u32::try_from(m.symbol("init_module")?)?;
        m.relocation_of_old_name(0, symbol, R_X86_64_64)
    }),
    // How it is applied.
    good("type-none", Symbol, |m, _| m.relocation(R_X86_64_NONE, 0)),
    bad("type-none-of-unknown", Symbol, |m, _| {
        m.vmlinux_symbol("no_such_symbol,0")?;
        m.relocation(R_X86_64_NONE, 0)
    }),
    good("type-64-addend", Symbol, |m, _| {
        m.relocation(R_X86_64_64, -0x1000)
    }),
    good("type-pc64", Symbol, |m, _| m.relocation(R_X86_64_PC64, 0)),
    good("type-pc32", Symbol, |m, _| m.relocation(R_X86_64_PC32, 0)),
    good("type-plt32", Symbol, |m, _| {
        m.relocation(R_X86_64_PLT32, -4)
    }),
    good("type-32s", Symbol, |m, _| m.relocation(R_X86_64_32S, 0)),
    bad("type-32", Symbol, |m, _| m.relocation(R_X86_64_32, 0)),
    // Its address is small only if it is linked to 0.
    by(
        "type-32-per-cpu",
        Symbol,
        |release| release.absolute_per_cpu,
        |m, _| {
            m.vmlinux_symbol("arch_freq_scale,0")?;
            m.relocation(R_X86_64_32, 0)
        },
    ),
    bad("type-32s-overflow", Symbol, |m, _| {
        m.relocation(R_X86_64_32S, 0x7fff_ffff_0000)
    }),
    bad("type-got", Symbol, |m, _| {
        m.relocation(R_X86_64_GOTPCREL, -4)
    }),
    bad("type-16", Symbol, |m, _| m.relocation(R_X86_64_16, 0)),
    bad("type-largest", Symbol, |m, _| {
        m.relocation(RelocationType(u32::MAX), 0)
    }),
    // What was there before.
    bad("place-not-zero", Symbol, |m, _| m.relocated_byte(7, 1)),
    good("place-not-zero-behind", Symbol, |m, _| {
        m.relocated_byte(7, 1)?;
        m.relocation(R_X86_64_32S, 0)
    }),
    bad("place-not-zero-and-overflow", Symbol, |m, _| {
        m.relocated_byte(0, 1)?;
        m.relocation(R_X86_64_32, 0)
    }),
    bad("place-in-code-not-zero", Example(Policy::Exact), |m, _| {
        let section = m.section(".klp.rela.vmlinux.text")?;
        let target = m.part(section).header.sh_info as usize;
        let offset = m.relocations(section)?[0].r_offset.get(LittleEndian);
        m.part(target).data[usize::try_from(offset)?] = 1;
        Ok(())
    }),
    bad("type-in-ordinary-section", Symbol, |m, _| {
        let section = m.section("__param")?;
        let rela = m.rela_of(section)?;
        let first = &mut m.relocations(rela)?[0];
        let symbol = first.r_sym(LittleEndian, false);
        first.set_r_info(LittleEndian, false, symbol, R_X86_64_GOTPCREL);
        Ok(())
    }),
    // What is not loaded is where the loader has the file, far from the module.
    bad("type-32s-of-what-is-not-loaded", Symbol, |m, _| {
        let section = m.section("__param")?;
        let rela = m.rela_of(section)?;
        let first = &mut m.relocations(rela)?[0];
        let symbol = first.r_sym(LittleEndian, false);
        first.set_r_info(LittleEndian, false, symbol, R_X86_64_32S);
        let strings = m.symbols()?[symbol as usize].st_shndx.get(LittleEndian);
        m.part(strings.0.into()).header.sh_flags = SectionFlags(0);
        Ok(())
    }),
    // Per-cpu variables.
    good("per-cpu-relocated", Symbol, |m, _| {
        m.relocated_per_cpu(R_X86_64_64)
    }),
    by(
        "per-cpu-type-got",
        Symbol,
        |release| !release.relocates_per_cpu,
        |m, _| m.relocated_per_cpu(R_X86_64_GOTPCREL),
    ),
    bad("place-in-ordinary-section-not-zero", Symbol, |m, _| {
        let section = m.section("__param")?;
        let rela = m.rela_of(section)?;
        let offset = m.relocations(rela)?[0].r_offset.get(LittleEndian);
        m.part(section).data[usize::try_from(offset)?] = 1;
        Ok(())
    }),
];

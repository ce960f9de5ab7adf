// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Demands of the module loader on any module: kernel/module/main.c.

use super::variant::Base::{Function, Symbol};
use super::variant::Order::First;
use super::variant::{bad, by, good, Variant};
use crate::edit::patch_section;
use object::elf::{self, SHN_COMMON};
use object::LittleEndian as LE;

pub const VARIANTS: &[Variant] = &[
    // elf_validity_ehdr()
    bad("file-empty", Symbol, |m, _| {
        m.patch_file(Vec::clear);
        Ok(())
    }),
    bad("file-header-cut", Symbol, |m, _| {
        m.patch_file(|file| file.truncate(40));
        Ok(())
    }),
    bad("file-no-elf", Symbol, |m, _| {
        m.patch_file(|file| file[0] = b'E');
        Ok(())
    }),
    bad("file-shared-library", Symbol, |m, _| {
        m.patch_file(|file| file[16] = 3);
        Ok(())
    }),
    bad("file-of-another-machine", Symbol, |m, _| {
        m.patch_file(|file| file[18] = 183);
        Ok(())
    }),
    bad("file-of-another-machine-without-names", Symbol, |m, _| {
        m.patch_file(|file| file[18] = 183);
        m.patch_file(|file| file[0x3e..0x40].fill(0));
        Ok(())
    }),
    // Of e_ident it compares the magic alone.
    good("file-called-32-bit", Symbol, |m, _| {
        m.patch_file(|file| file[4] = 1);
        Ok(())
    }),
    good("file-called-big-endian", Symbol, |m, _| {
        m.patch_file(|file| file[5] = 2);
        Ok(())
    }),
    good("file-of-another-version", Symbol, |m, _| {
        m.patch_file(|file| file[6] = 0);
        Ok(())
    }),
    // elf_validity_cache_sechdrs()
    bad("file-cut", Symbol, |m, _| {
        m.patch_file(|file| file.truncate(file.len() / 2));
        Ok(())
    }),
    bad("file-section-headers-beyond", Symbol, |m, _| {
        m.patch_file(|file| file[0x2e] = 0x7f);
        Ok(())
    }),
    bad("file-section-header-size", Symbol, |m, _| {
        m.patch_file(|file| file[0x3a] = 32);
        Ok(())
    }),
    bad("file-section-names-nowhere", Symbol, |m, _| {
        m.patch_file(|file| file[0x3e..0x40].fill(0x70));
        Ok(())
    }),
    bad("file-without-section-names", Symbol, |m, _| {
        m.patch_file(|file| file[0x3e..0x40].fill(0));
        Ok(())
    }),
    good("file-with-more-behind", Symbol, |m, _| {
        m.patch_file(|file| file.extend_from_slice(b"what stands behind is nobody's"));
        Ok(())
    }),
    // elf_validity_cache_index()
    bad("file-stripped", Symbol, |m, _| {
        let symtab = m.section(".symtab")?;
        m.part(symtab).header.sh_type = elf::SHT_PROGBITS;
        Ok(())
    }),
    bad("file-without-module", Symbol, |m, _| {
        let module = m.section(".gnu.linkonce.this_module")?;
        m.part(module).name.push(b'2');
        Ok(())
    }),
    bad("file-of-another-struct-module", Symbol, |m, _| {
        let module = m.section(".gnu.linkonce.this_module")?;
        m.part(module).data.extend_from_slice(&[0; 64]);
        Ok(())
    })
    // A module tells how long it should be.
    .with(First),
    bad("file-without-modinfo", Symbol, |m, _| {
        let modinfo = m.section(".modinfo")?;
        m.part(modinfo).name = b".modinf0".to_vec();
        Ok(())
    }),
    // elf_validity_cache_index_versions()
    by(
        "versions-extended-without-names",
        Symbol,
        |release| !release.checks_extended_versions,
        |m, _| {
            m.add_read_only("__version_ext_crcs", &[1; 4]);
            Ok(())
        },
    ),
    by(
        "versions-extended-with-too-few-names",
        Symbol,
        |release| !release.checks_extended_versions,
        |m, _| {
            m.add_read_only("__version_ext_crcs", &[1; 8]);
            m.add_read_only("__version_ext_names", b"a\0b");
            Ok(())
        },
    ),
    good("versions-extended", Symbol, |m, _| {
        m.add_read_only("__version_ext_crcs", &[1; 4]);
        m.add_read_only("__version_ext_names", b"a\0");
        Ok(())
    }),
    // elf_validity_cache_strtab()
    by(
        "names-without-first-nul",
        Symbol,
        |release| !release.checks_symbol_names,
        |m, _| {
            m.patch_file(|file| patch_section(file, ".strtab", |names| names[0] = b'x'));
            Ok(())
        },
    ),
    // check_export_symbol_sections(): an export without a name
    by(
        "exports-without-flags",
        Symbol,
        |release| !release.export_flags,
        |m, _| {
            m.add_read_only("__ksymtab", &[0; 12]);
            Ok(())
        },
    ),
    good("exports-with-flags", Symbol, |m, _| {
        m.add_read_only("__ksymtab", &[0; 12]);
        m.add_read_only("__kflagstab", &[0]);
        Ok(())
    }),
    // setup_modinfo()
    by(
        "import-of-a-namespace-of-modules",
        Symbol,
        |release| !release.module_namespaces,
        |m, _| m.modinfo("license", Some("GPL\0import_ns=module:variant_symbol")),
    ),
    // check_modinfo()
    bad("vermagic-other", Symbol, |m, _| {
        m.modinfo("vermagic", Some("6.12.0 SMP mod_unload "))
    }),
    bad("vermagic-none", Symbol, |m, _| m.modinfo("vermagic", None)),
    // simplify_symbols()
    bad("import-unknown", Symbol, |m, _| {
        m.rename_symbol("param_ops_ulong", "no_such_export")
    }),
    // Early messages call the module as its modinfo does, later ones as its struct module.
    bad("import-unknown-of-two-names", Symbol, |m, _| {
        m.modinfo("name", Some("another"))?;
        m.rename_symbol("param_ops_ulong", "no_such_export")
    }),
    bad("vermagic-other-of-two-names", Symbol, |m, _| {
        m.modinfo("name", Some("another"))?;
        m.modinfo("vermagic", Some("6.12.0 SMP mod_unload "))
    }),
    // add_sect_attrs()
    bad("sections-of-one-name", Symbol, |m, _| {
        let section = m.section(".note.Linux")?;
        m.part(section).name = b".data".to_vec();
        Ok(())
    }),
    bad("import-not-exported", Symbol, |m, _| {
        m.rename_symbol("param_ops_ulong", "saved_command_line")
    }),
    good("import-other", Symbol, |m, _| {
        m.rename_symbol("param_ops_ulong", "param_ops_ullong")
    }),
    bad("import-without-namespace", Symbol, |m, _| {
        m.rename_symbol("param_ops_ulong", "klp_register_resolver")
    }),
    bad("symbol-common", Symbol, |m, _| {
        let symbol = m.symbol("where")?;
        m.symbols()?[symbol].st_shndx.set(LE, SHN_COMMON);
        Ok(())
    }),
    bad("symbol-of-no-section", Symbol, |m, _| {
        let symbol = m.symbol("where")?;
        m.symbols()?[symbol]
            .st_shndx
            .set(LE, elf::SymbolSection(900));
        Ok(())
    }),
    good("livepatch-without-patch-or-mark", Symbol, |m, _| {
        m.modinfo("livepatch", None)
    }),
    // These taint the kernel so that it stops to check its locks: they come last.
    good("licence-other", Symbol, |m, _| {
        // With CFI, a header of 7.3 refers to this export for GPL modules (KCFI_REFERENCE).
        const FOR_GPL: &str = "__clear_pages_unrolled";
        if m.symbol(FOR_GPL).is_ok() {
            m.rename_symbol(FOR_GPL, "copy_page")?;
        }
        m.modinfo("license", Some("Proprietary"))
    }),
    bad("licence-other-and-gpl-export", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.modinfo("license", Some("Proprietary"))
    }),
    bad("licence-none-and-gpl-export", Function, |m, _| {
        m.function(0, "cmdline_proc_show", 0)?;
        m.modinfo("license", None)
    }),
];

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads the layouts of tables from the kernel's own headers, with the kernel's own compiler and options.

use super::tables::Layouts;
use crate::build::kbuild::Invocation;
use crate::elf::number::read_u32;
use crate::elf::ElfFile;
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_file;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A C file with one constant, which has the sizes and offsets in the order of [`Layouts`].
const PROBE: &str = "\
#include <linux/bug.h>
#include <linux/dynamic_debug.h>
#include <linux/extable.h>
#include <linux/jump_label.h>
#include <linux/stddef.h>
#include <asm/processor.h>
#include <asm/alternative.h>
#include <asm/extable.h>
#include <asm-generic/error-injection.h>

#ifdef CONFIG_DEBUG_BUGVERBOSE
#define BUG_LINE offsetof(struct bug_entry, line)
#else
#define BUG_LINE -1
#endif
#ifdef CONFIG_JUMP_LABEL
#define JUMP_ENTRY sizeof(struct jump_entry)
#else
#define JUMP_ENTRY 0
#endif
#ifdef CONFIG_GENERIC_BUG
#define BUG_ENTRY sizeof(struct bug_entry)
#else
#define BUG_ENTRY 0
#endif

extern const unsigned int klp_gen_sizes[];
extern const struct _ddebug klp_gen_ddebug;
const unsigned int klp_gen_sizes[] = {
	BUG_ENTRY, BUG_LINE, sizeof(struct alt_instr), offsetof(struct alt_instr, replacementlen),
	sizeof(struct exception_table_entry), JUMP_ENTRY, sizeof(struct error_injection_entry),
};
const struct _ddebug klp_gen_ddebug = { .lineno = -1 };
";

/// Returns true for options that make a compiler write bitcode, or files beside the object.
fn is_dropped(word: &str) -> bool {
    let beginnings = [
        "-flto",
        "-fsplit-lto-unit",
        "-fvirtual",
        "-Wp,-MMD",
        "-Wp,-MD",
        "-Werror",
    ];
    beginnings
        .iter()
        .any(|beginning| word.starts_with(beginning))
}

/// Compiles the probe in `directory`. `compile` is the compile line of a kernel's file, and is run in
/// `build`.
///
/// # Errors
///
/// The compiler cannot be run, or refuses the headers.
pub fn layouts(compile: &Invocation, build: &Path, directory: &Path) -> Result<Layouts> {
    let source = directory.join("klp_gen_probe.c");
    let object = directory.join("klp_gen_probe.o");
    let cannot = |e| Error::io(&format_args!("cannot write {}", source.display()), e);
    fs::write(&source, PROBE).map_err(cannot)?;
    let mut words = compile.words.iter().filter(|word| !is_dropped(word));
    let program = words.next().map(String::as_str).unwrap_or_default();
    let mut command = Command::new(program);
    command.current_dir(build);
    // The last word is the source, and the object is behind -o.
    let words: Vec<_> = words.collect();
    let mut words = words
        .split_last()
        .map_or(&[][..], |(_, words)| words)
        .iter();
    while let Some(word) = words.next() {
        if word.as_str() == "-o" {
            words.next();
        } else {
            command.arg(word);
        }
    }
    command
        .args(["-fno-lto", "-w", "-o"])
        .arg(&object)
        .arg(&source);
    let output = command
        .output()
        .map_err(|e| Error::io(&format_args!("cannot run {program}"), e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let what = format!(
            "the kernel's compiler cannot compile a file with the kernel's headers and options:\n{}",
            said.trim_end()
        );
        return Err(Error::new(ErrorKind::Unsupported, what));
    }
    let data = read_file(&object)?;
    let elf = ElfFile::parse(object.display().to_string(), &data[..])?;
    let sizes = constant(&elf, b"klp_gen_sizes").unwrap_or_default();
    let ddebug = constant(&elf, b"klp_gen_ddebug").unwrap_or_default();
    let size = |at: usize| {
        let bytes = sizes.get(at * 4..).unwrap_or_default();
        read_u32(elf.endian(), bytes).unwrap_or(0)
    };
    if sizes.len() < 7 * size_of::<u32>() {
        return Err(elf.malformed("expected the sizes of seven tables, found fewer"));
    }
    let line = ddebug
        .chunks_exact(4)
        .position(|word| word.iter().any(|&b| b != 0));
    let line = line.and_then(|at| {
        let mask = read_u32(elf.endian(), ddebug.get(at * 4..)?)?;
        Some((at as u64 * 4, mask))
    });
    Ok(Layouts {
        bug_entry: size(0).into(),
        bug_line: Some(size(1)).filter(|&at| at != u32::MAX).map(u64::from),
        alt_instr: size(2).into(),
        alt_length: size(3).into(),
        ex_entry: size(4).into(),
        jump_entry: size(5).into(),
        error_injection_entry: size(6).into(),
        ddebug_line: line,
    })
}

/// Returns the bytes of a constant.
fn constant<'d>(elf: &ElfFile<'d>, name: &[u8]) -> Option<&'d [u8]> {
    let symbol = elf.symbols().find(|s| s.name == name)?;
    let section = elf.get_section(symbol.section()?)?;
    let start = usize::try_from(symbol.value).ok()?;
    let end = start.checked_add(usize::try_from(symbol.size).ok()?)?;
    elf.section_data(&section).ok()?.get(start..end)
}

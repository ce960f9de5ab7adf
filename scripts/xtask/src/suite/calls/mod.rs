// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The calls that the optimiser changed, as klp-gen finds them and as the compiler notes them in DWARF.

mod dwarf;

use anyhow::{bail, Result};
use klp_gen::build::cache::Cache;
use klp_gen::build::calls::{self, CallComparison, Calls, ChangedCall};
use klp_gen::build::identity::order::MemberSymbols;
use klp_gen::build::KernelBuild;
use klp_gen::elf::ElfInput;
use object::elf::STT_FUNC;
use std::path::{Path, PathBuf};

/// The number of files that are compared at a time: the linker reads all bitcode for each group.
const GROUP: usize = 50;

/// A function on which klp-gen and DWARF differ.
#[derive(Debug)]
pub struct Function {
    /// Its file.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
    /// The answer of klp-gen.
    pub call: String,
}

/// The comparison of both.
#[derive(Debug, Default)]
pub struct Compared {
    /// The number of files.
    pub files: usize,
    /// The number of static functions.
    pub functions: usize,
    /// The number of functions that are changed for both.
    pub both: usize,
    /// The functions that only klp-gen has.
    pub only_klp_gen: Vec<Function>,
    /// The functions that only DWARF has.
    pub only_dwarf: Vec<Function>,
}

/// Compares the static functions of every `every`th file of a kernel with debug information.
///
/// # Errors
///
/// Fails if the kernel has no debug information, or a program of its build fails.
pub fn compare(
    build: &Path,
    cache: &Path,
    every: usize,
    mut progress: impl FnMut(usize, usize),
) -> Result<Compared> {
    let kernel = KernelBuild::open(build, None)?;
    let cache = Cache::open(cache)?;
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let calls = Calls::new(&kernel, &cache, jobs)?;
    let noted = dwarf::changed_calls(&kernel.vmlinux())?;
    let input = ElfInput::open(&kernel.vmlinux())?;
    let elf = input.parse()?;
    let members = kernel.members().iter().filter(|member| member.is_bitcode);
    let members: Vec<_> = members.map(|member| member.path.clone()).collect();
    let files = match MemberSymbols::of(&elf, &members) {
        Ok(files) => files,
        Err(refusal) => bail!("{}: {}", refusal.subject, refusal.reason),
    };
    let chosen: Vec<_> = (0..members.len()).step_by(every).collect();
    let mut compared = Compared {
        files: chosen.len(),
        ..Compared::default()
    };
    for (number, group) in chosen.chunks(GROUP).enumerate() {
        progress(number * GROUP, chosen.len());
        let functions = group.iter().flat_map(|&at| {
            let symbols = files.symbols(&elf, at);
            let functions = symbols.filter(|symbol| symbol.kind == STT_FUNC && symbol.is_static());
            functions.map(move |symbol| (at, symbol))
        });
        let functions: Vec<_> = functions.collect();
        let asked: Vec<_> = functions
            .iter()
            .map(|(_, symbol)| calls::Function {
                object: "vmlinux",
                name: symbol.name,
                address: symbol.value,
                is_replaced: false,
            })
            .collect();
        let answers = calls.compare(&asked)?;
        if let Some(refusal) = answers.refusals.first() {
            bail!("{}: {}", refusal.subject, refusal.reason);
        }
        compared.functions += functions.len();
        for ((at, symbol), answer) in functions.iter().zip(answers.results) {
            let is_noted = noted.contains(&symbol.value);
            let is_changed = matches!(
                &answer,
                CallComparison::Changed(ChangedCall::Signature { .. })
            );
            let function = || Function {
                file: members[*at].clone(),
                name: String::from_utf8_lossy(symbol.name).into_owned(),
                call: format!("{answer:?}"),
            };
            match (is_changed, is_noted) {
                (true, true) => compared.both += 1,
                (true, false) => compared.only_klp_gen.push(function()),
                (false, true) => compared.only_dwarf.push(function()),
                (false, false) => (),
            }
        }
    }
    Ok(compared)
}

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions that a livepatch calls or replaces, compared with the kernel's code.

use super::build::{cache_directory, processors};
use super::ui::Console;
use anyhow::Result;
use klp_gen::build::cache::Cache;
use klp_gen::build::calls::{CallComparison, Calls, ChangedCall, Function};
use klp_gen::build::{KernelBuild, RefusalKind};
use klp_gen::elf::ElfFile;
use klp_gen::livepatch::is_made_of_code;
use klp_gen::target::{BuildDirectory, Target};
use klp_policy::ObjName;
use object::elf::STT_FUNC;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The functions that the author knows to be different in the kernel's code.
#[derive(Debug, clap::Args)]
pub struct CallArgs {
    /// A static function that is declared as the kernel's code has it, not as the source has it; may be given several
    /// times
    #[arg(long = "allow-call", value_name = "NAME", help_heading = "Target")]
    allowed: Vec<String>,
}

impl CallArgs {
    /// Returns true if the author allows the calls of a function.
    pub fn allow(&self, name: &[u8]) -> bool {
        self.allowed
            .iter()
            .any(|allowed| allowed.as_bytes() == name)
    }
}

/// Compares functions with the kernel's code, if vmlinux is in the directory of its build.
///
/// Returns the results in the order of `functions`. A comparison that cannot be made is no error: a message says so.
pub fn compare(
    origin: &str,
    livepatch: &[u8],
    target: &Target<'_>,
    functions: &[Function<'_>],
    console: &Console,
) -> Result<Vec<CallComparison>> {
    let none = vec![CallComparison::NotKnown; functions.len()];
    let is_relevant: Vec<_> = functions.iter().map(|f| is_function(target, f)).collect();
    // The report says it of files that are no ELF files of this kind.
    let Ok(elf) = ElfFile::parse(origin.to_owned(), livepatch) else {
        return Ok(none);
    };
    if !is_relevant.contains(&true) || is_made_of_code(&elf) {
        return Ok(none);
    }
    let Some(build) = build_directory(target) else {
        return Ok(none);
    };
    let what = "the static functions that it calls or replaces were not compared with the kernel's code, which may have \
                other arguments than the source";
    let directory = match build.path() {
        path if path == Path::new("") => Path::new("."),
        path => path,
    };
    let kernel = match KernelBuild::open(directory, None) {
        Ok(kernel) => kernel,
        // A vmlinux by itself is usual, and there is nothing that the author could do about it.
        Err(why) if build.linked().is_empty() => {
            console.detail(&format_args!("{origin}: {what}: {why}"));
            return Ok(none);
        }
        Err(why) => {
            console.note(&format_args!("{origin}: {what}: {why}"));
            return Ok(none);
        }
    };
    let relevant = functions.iter().zip(&is_relevant);
    let relevant = relevant.filter_map(|(function, &is_relevant)| is_relevant.then_some(*function));
    let relevant: Vec<_> = relevant.collect();
    // A package is built without a home directory, or with one that is not there.
    let temporary = TempDir::with_prefix("klp-gen-")?;
    let cache = cache_directory().and_then(|directory| Ok(Cache::open(&directory)?));
    let compared = match cache {
        Ok(cache) => Ok(cache),
        Err(_) => Cache::open(temporary.path()),
    };
    let compared =
        compared.and_then(|cache| Calls::new(&kernel, &cache, processors())?.compare(&relevant));
    let compared = match compared {
        Ok(compared) => compared,
        Err(why) => {
            console.warning(&format_args!("{origin}: {what}: {why}"));
            return Ok(none);
        }
    };
    for refusal in compared.refusals {
        let why = match refusal.kind {
            RefusalKind::OtherBuild => {
                "the source, the compiler or its options are not those of the kernel's build (restore the file, and run \
                this again)"
            }
            _ => &refusal.reason,
        };
        let what = "its functions were not compared with the kernel's code, which may have other arguments than the source";
        console.warning(&format_args!(
            "{origin}: {}: {what}: {why}",
            refusal.subject
        ));
    }
    let mut results = compared.results.into_iter();
    let all = is_relevant.into_iter().map(|is_relevant| {
        let result = is_relevant.then(|| results.next()).flatten();
        result.unwrap_or(CallComparison::NotKnown)
    });
    Ok(all.collect())
}

/// Returns the directory of the kernel's build: that of vmlinux, or of the file to which vmlinux is a link.
fn build_directory(target: &Target<'_>) -> Option<BuildDirectory> {
    let build = target.build_directory()?;
    if !build.linked().is_empty() {
        return Some(build);
    }
    let vmlinux = target.object(ObjName::VMLINUX)?;
    let linked = fs::canonicalize(&vmlinux.origin).map(|path| BuildDirectory::of(&path));
    Some(linked.unwrap_or(build))
}

/// Returns the difference in words, with advice.
///
/// `is_replaced` is true for a function that the livepatch replaces. A function that is only called needs no advice on
/// arguments that are passed for nothing.
pub fn advice(comparison: &CallComparison, is_replaced: bool) -> Option<String> {
    match comparison {
        CallComparison::Changed(ChangedCall::Signature { source, code }) => Some(format!(
            "the source has {source}, the kernel's code {code} (types of LLVM): the optimiser changed arguments or result \
            (make the livepatch with klp-gen build, or use a function that is not static; or declare the function as in \
            the code, and give --allow-call)"
        )),
        CallComparison::Changed(ChangedCall::Unread { arguments }) if is_replaced => {
            let numbers: Vec<_> = arguments.iter().map(usize::to_string).collect();
            Some(format!(
                "callers in its file pass nothing as argument {}, which the kernel's code does not read: the replacement \
                must not read it (or make the livepatch with klp-gen build, which replaces the callers as well)",
                numbers.join(" and ")
            ))
        }
        CallComparison::Changed(ChangedCall::Unread { .. })
        | CallComparison::Same
        | CallComparison::NotKnown => None,
    }
}

/// Returns true if a name is that of a function of the kernel, not of a variable.
fn is_function(target: &Target<'_>, function: &Function<'_>) -> bool {
    let object = ObjName::new(function.object.as_bytes()).and_then(|name| target.object(name));
    let Some(object) = object else { return false };
    let entries = (0..).zip(object.symbols.entries());
    let mut seqs = entries
        .filter(|(_, entry)| entry.name.0 == function.name && entry.address == function.address);
    let symbol = seqs.find_map(|(seq, _)| object.file_symbol(seq));
    symbol.is_some_and(|symbol| symbol.kind == STT_FUNC)
}

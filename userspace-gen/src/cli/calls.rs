// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The static functions that a livepatch calls or replaces, compared with the kernel's code.

use super::build::{cache_directory, processors};
use super::ui::Console;
use anyhow::Result;
use klp_gen::build::cache::Cache;
use klp_gen::build::calls::{CallComparison, Calls, ChangedCall, Function};
use klp_gen::build::KernelBuild;
use klp_gen::elf::ElfFile;
use klp_gen::livepatch::is_made_of_code;
use klp_gen::target::Target;
use klp_policy::ObjName;
use object::elf::STT_FUNC;
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
    let is_relevant: Vec<_> = functions.iter().map(|f| is_static(target, f)).collect();
    // The report says it of files that are no ELF files of this kind.
    let Ok(elf) = ElfFile::parse(origin.to_owned(), livepatch) else {
        return Ok(none);
    };
    if !is_relevant.contains(&true) || is_made_of_code(&elf) {
        return Ok(none);
    }
    let Some(build) = target.build_directory() else {
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
    let why = match compared {
        Ok(Ok(results)) => {
            let mut results = results.into_iter();
            let all = is_relevant.into_iter().map(|is_relevant| {
                let result = is_relevant.then(|| results.next()).flatten();
                result.unwrap_or(CallComparison::NotKnown)
            });
            return Ok(all.collect());
        }
        Ok(Err(refusals)) => {
            let refusals = refusals
                .iter()
                .map(|r| format!("{}: {}", r.subject, r.reason));
            refusals.collect::<Vec<_>>().join("; ")
        }
        Err(why) => why.to_string(),
    };
    console.warning(&format_args!("{origin}: {what}: {why}"));
    Ok(none)
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
            the code, and give --allow-call to convert and symvers)"
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

/// Returns true if a function is static in the kernel, so that the optimiser knows all its callers.
fn is_static(target: &Target<'_>, function: &Function<'_>) -> bool {
    let object = ObjName::new(function.object.as_bytes()).and_then(|name| target.object(name));
    let Some(object) = object else { return false };
    let entries = (0..).zip(object.symbols.entries());
    let mut seqs = entries
        .filter(|(_, entry)| entry.name.0 == function.name && entry.address == function.address);
    let symbol = seqs.find_map(|(seq, _)| object.file_symbol(seq));
    symbol.is_some_and(|symbol| symbol.is_static() && symbol.kind == STT_FUNC)
}

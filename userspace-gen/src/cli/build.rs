// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen build`

use super::options::format::{Format, FormatArg};
use super::options::rule;
use super::ui::{Console, Look, Page, Steps, Verdict};
use anyhow::{bail, Context as _, Result};
use klp_gen::build::finish::{finish, Livepatch, Wish};
use klp_gen::build::{
    pairs, BuildRefusal, BuildRequest, KernelBuild, Pairs, Progress, Refusable, RefusalKind,
};
use klp_gen::file::expect_no_input;
use klp_policy::Policy;
use serde::Serialize;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::{env, io, thread};

/// The length of the longest name of a module: `MODULE_NAME_LEN` of a 64-bit kernel, without the NUL.
const LONGEST_NAME: usize = 55;

/// The beginning of the name that a livepatch gets if none is given.
const PREFIX: &str = "livepatch-";

/// The livepatch that `--dry-run` does not write.
const NOTHING: &str = "livepatch-fix.ko";

/// The names of the objects that a livepatch is linked from, and that of a variable of Makefile.livepatch.
const RESERVED: [&str; 3] = ["klp_patch", "klp_functions", "livepatch"];

/// Make a livepatch from a source patch, for a kernel that was built with ThinLTO
///
/// `BUILD_DIR` is the directory in which the kernel was built, as make left it. The files that read a patched file are
/// compiled before and after, and so are the files that import something that changed there. The functions
/// that differ become the livepatch. Nothing is written into the source tree or `BUILD_DIR`. The first
/// build for a kernel fills a cache in `$XDG_CACHE_HOME/klp-gen`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # the functions that a fix would change
  $ klp-gen build --dry-run fix.patch --kernel build
  # a livepatch for a kernel with klp_sympos
  $ klp-gen build fix.patch --kernel build -o livepatch-fix.ko
  # the same for two patches, with exact names, and with a compile farm
  $ klp-gen build 1.patch 2.patch --kernel build --policy exact --launcher distcc --jobs 40

Exit status: 0 built (with --dry-run: can be built), 1 this patch cannot become a livepatch, 2 could not run; with 1
and 2 the output is unchanged.")]
pub struct Args {
    /// Patches of the kernel's source, in the format of git diff; applied in order, without fuzz
    #[arg(required = true, value_name = "PATCH")]
    patches: Vec<PathBuf>,

    /// The directory in which the kernel was built
    #[arg(long, value_name = "BUILD_DIR")]
    kernel: PathBuf,

    /// The kernel's source tree, if it is not the tree that `BUILD_DIR` names
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,

    /// Change modules that were built outside the tree in this directory (make M=DIR); the patches apply to
    /// its files
    #[arg(long, value_name = "DIR", conflicts_with = "source")]
    external_modules: Option<PathBuf>,

    /// Write the livepatch to OUT.ko [default: livepatch-PATCH.ko]
    #[arg(short, long, value_name = "OUT.ko", conflicts_with = "dry_run")]
    output: Option<PathBuf>,

    /// Stop after the comparison, and list the changes
    #[arg(long)]
    dry_run: bool,

    /// The name of the module [default: the name of the output]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The rule by which the kernel will compare names: llvm with `klp_sympos`, exact without it
    #[arg(long, value_name = "RULE", default_value = "llvm", value_parser = rule::parser())]
    policy: Policy,

    /// Leave other livepatches enabled; by default the livepatch replaces all of them (atomic replace)
    #[arg(long)]
    no_replace: bool,

    /// A C file with callbacks; docs/livepatch-authors.md lists what it may define
    #[arg(long, value_name = "FILE.c")]
    callbacks: Option<PathBuf>,

    /// The number of programs to run at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZero<usize>>,

    /// A program to put in front of every compile line, with its arguments, such as distcc
    #[arg(long, value_name = "CMD")]
    launcher: Option<String>,

    /// Compile all files that include a patched header, also if there are more than 100
    #[arg(long)]
    all: bool,

    /// Keep all intermediate files, in this new directory
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    #[command(flatten)]
    format: FormatArg,
}

/// The outcome; the fields are an interface: docs/schema/build.json.
#[derive(Debug, Default, Serialize)]
struct BuildRow {
    functions: Vec<FunctionRow>,
    data: Vec<DataRow>,
    refusals: Vec<RefusalRow>,
    output: Option<String>,
}

#[derive(Debug, Serialize)]
struct FunctionRow {
    object: String,
    name: String,
    file: String,
    change: Change,
    why: String,
}

#[derive(Debug, Serialize)]
struct DataRow {
    object: String,
    name: String,
    file: String,
    change: Change,
}

#[derive(Debug, Serialize)]
struct RefusalRow {
    kind: RefusalKind,
    subject: String,
    reason: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Changed,
    New,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::New => "new",
        }
    }
}

impl BuildRow {
    fn refused(refusals: Vec<BuildRefusal>) -> Self {
        let row = |refusal: BuildRefusal| RefusalRow {
            kind: refusal.kind,
            subject: refusal.subject,
            reason: refusal.reason,
        };
        Self {
            refusals: refusals.into_iter().map(row).collect(),
            ..Self::default()
        }
    }

    fn built(pairs: &Pairs, livepatch: &Livepatch, output: Option<&Path>) -> Self {
        let mut outcome = Self {
            output: output.map(|path| path.display().to_string()),
            ..Self::default()
        };
        let all = livepatch.functions.iter();
        let all = all.map(|function| (function.unit, &function.name, true, Change::Changed));
        let new = livepatch.additions.iter();
        let new = new.map(|new| (new.unit, &new.name, new.is_function, Change::New));
        for (unit, name, is_function, change) in all.chain(new) {
            let Some(unit) = pairs.units.get(unit) else {
                continue;
            };
            let (object, name) = (unit.object.name(), name.clone());
            let file = unit.source.display().to_string();
            if is_function {
                let why = unit.reason.to_string();
                outcome.functions.push(FunctionRow {
                    object,
                    name,
                    file,
                    change,
                    why,
                });
            } else {
                outcome.data.push(DataRow {
                    object,
                    name,
                    file,
                    change,
                });
            }
        }
        outcome
    }
}

impl Args {
    fn request(&self) -> Result<BuildRequest> {
        let launcher = shlex::split(self.launcher.as_deref().unwrap_or_default());
        Ok(BuildRequest {
            patches: self.patches.clone(),
            jobs: self.jobs.map_or_else(processors, NonZero::get),
            launcher: launcher.context("--launcher: expected a command in the shell's quotes")?,
            cache: cache_directory()?,
            keep: self.keep.clone(),
            all: self.all,
        })
    }

    /// Returns the path of the livepatch to be written, if there is one.
    fn output(&self) -> Option<PathBuf> {
        let patch = self.patches.first().filter(|_| !self.dry_run)?;
        let stem = patch.file_stem().unwrap_or_default().to_string_lossy();
        // The names that git format-patch gives are longer than those of modules.
        let stem: String = stem.chars().take(LONGEST_NAME - PREFIX.len()).collect();
        let default = || PathBuf::from(format!("{PREFIX}{stem}.ko"));
        Some(self.output.clone().unwrap_or_else(default))
    }

    /// Returns the name of the module.
    fn module(&self, output: &Path) -> Result<String> {
        let name = self.name.clone().unwrap_or_else(|| {
            let stem = output.file_stem().unwrap_or_default().to_string_lossy();
            // A patch may be called 0001-mm-fix.that.patch.
            let fixed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            stem.chars().map(fixed).collect()
        });
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(is_allowed) {
            bail!("{name}: expected the name of a module, of letters, digits, '_' and '-' (give it with --name)");
        }
        if RESERVED.contains(&name.replace('-', "_").as_str()) {
            bail!("{name}: kbuild has an object of this name when it links the livepatch (give another name with --name)");
        }
        if name.len() > LONGEST_NAME {
            bail!(
                "{name}: expected the name of a module, of at most {LONGEST_NAME} bytes, found {} (give it with --name)",
                name.len()
            );
        }
        Ok(name)
    }
}

/// Refuses to write into the kernel's own directories: its modules are input.
fn expect_elsewhere(output: &Path, kernel: &KernelBuild) -> Result<()> {
    let parent = output.parent().filter(|parent| *parent != Path::new(""));
    let Ok(parent) = parent.unwrap_or(Path::new(".")).canonicalize() else {
        // Writing says what is wrong with it.
        return Ok(());
    };
    for tree in [kernel.directory(), kernel.source()] {
        if tree
            .canonicalize()
            .is_ok_and(|tree| parent.starts_with(tree))
        {
            bail!(
                "{}: is in {}, which is only read (give an output elsewhere)",
                output.display(),
                tree.display()
            );
        }
    }
    Ok(())
}

/// Returns the number of processors.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Returns the directory of the cache.
pub fn cache_directory() -> Result<PathBuf> {
    let named = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let cache = cache
        .context("expected a directory for the cache, found none (set XDG_CACHE_HOME or HOME)")?;
    Ok(cache.join("klp-gen"))
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let request = args.request()?;
    let output = args.output();
    let name = args.module(output.as_deref().unwrap_or(Path::new(NOTHING)))?;
    if let Some(output) = &output {
        let read = args.patches.iter().chain(&args.callbacks);
        expect_no_input(output, read.map(PathBuf::as_path))?;
    }
    let mut kernel = KernelBuild::open(&args.kernel, args.source.as_deref())?;
    if let Some(output) = &output {
        expect_elsewhere(output, &kernel)?;
    }
    if let Some(directory) = &args.external_modules {
        kernel = kernel.with_external_modules(directory)?;
    }
    let wish = Wish {
        name,
        output: output.clone(),
        policy: args.policy,
        replace: !args.no_replace,
        callbacks: args.callbacks.clone(),
        klp_gen: env::current_exe().context("cannot find klp-gen itself, which kbuild will run")?,
    };
    let steps = Steps::new(console);
    let outcome = build(&request, &kernel, &wish, &steps);
    steps.finish();
    let outcome = match outcome? {
        Ok((pairs, livepatch)) => BuildRow::built(&pairs, &livepatch, output.as_deref()),
        Err(refusals) => BuildRow::refused(refusals),
    };
    match args.format.format {
        Format::Json => console.object(&outcome)?,
        Format::Table => console.table(|page| print(page, &outcome, console))?,
    }
    for RefusalRow {
        subject, reason, ..
    } in &outcome.refusals
    {
        console.error(&format_args!("{subject}: {reason}"));
    }
    if !outcome.refusals.is_empty() {
        return Ok(Verdict::No);
    }
    match &outcome.output {
        Some(output) => console.note(&format_args!("{output} is ready to be loaded")),
        None => console.note(&"nothing was written (--dry-run)"),
    }
    Ok(Verdict::Yes)
}

fn build(
    request: &BuildRequest,
    kernel: &KernelBuild,
    wish: &Wish,
    progress: &dyn Progress,
) -> klp_gen::Result<Refusable<(Pairs, Livepatch)>> {
    let pairs = match pairs(request, kernel, progress)? {
        Ok(pairs) => pairs,
        Err(refusals) => return Ok(Err(refusals)),
    };
    let livepatch = finish(&pairs, kernel, wish, progress)?;
    Ok(livepatch.map(|livepatch| (pairs, livepatch)))
}

fn print(page: &mut Page<'_>, outcome: &BuildRow, console: &Console) -> io::Result<()> {
    for row in console.rows(&outcome.functions) {
        let FunctionRow {
            object,
            name,
            file,
            change,
            why,
        } = row;
        let change = page.paint(look(*change), change.as_str());
        let name = page.paint(Look::Heading, name);
        page.line(
            4,
            format_args!("{change:<8} function  {object}  {name}  {file}: {why}"),
        )?;
    }
    for row in console.rows(&outcome.data) {
        let DataRow {
            object,
            name,
            file,
            change,
        } = row;
        let change = page.paint(look(*change), change.as_str());
        let name = page.paint(Look::Heading, name);
        page.line(
            4,
            format_args!("{change:<8} data      {object}  {name}  {file}"),
        )?;
    }
    Ok(())
}

fn look(change: Change) -> Look {
    match change {
        Change::Changed => Look::Doubtful,
        Change::New => Look::Good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn name(words: &str) -> Result<String> {
        let words = format!("build --kernel build {words}");
        let args = Cli::try_parse_from(words.split(' '))?.args;
        let output = args.output();
        args.module(output.as_deref().unwrap_or(Path::new(NOTHING)))
    }

    #[test]
    fn a_livepatch_has_a_name_that_a_module_may_have() {
        assert_eq!(name("--dry-run fix.patch").unwrap(), "livepatch_fix");
        assert_eq!(name("0001-a.b.patch").unwrap(), "livepatch_0001_a_b");
        let long = format!("{}.patch", "long-".repeat(20));
        assert_eq!(name(&long).unwrap().len(), LONGEST_NAME);
        assert_eq!(name("-o fix.ko fix.patch").unwrap(), "fix");
        for wrong in ["--name livepatch", "--name klp-patch", "--name a.b"] {
            assert!(name(&format!("{wrong} fix.patch")).is_err(), "{wrong}");
        }
        let long = format!("-o {}.ko fix.patch", "l".repeat(LONGEST_NAME + 1));
        assert!(name(&long).is_err());
    }
}

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask klp-build`: a livepatch as the kernel's own klp-build makes it.

use super::kernel::KernelArgs;
use crate::host::{packages, paths};
use crate::kernel::build::klp_build::{KlpBuild, PACKAGES};
use crate::kernel::{self, Link};
use crate::report::outcome::Outcome;
use crate::report::progress;
use anyhow::{ensure, Context, Result};
use std::fs;
use std::path::{self, Path, PathBuf};

/// Build a livepatch of source patches with the kernel's own scripts/livepatch/klp-build; print what that took.
///
/// klp-build builds the kernel without the patches, then compiles what they change and links the kernel again: 20 minutes
/// of processor time or more. It works in a copy of the lane's source, with the lane's configuration and tools. Without
/// --lane, the kernel is that of the newest series.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
    /// The source patches, of which one livepatch is made.
    #[arg(required = true, value_name = "PATCH")]
    patches: Vec<PathBuf>,
    /// Write the livepatch to FILE; by default it is livepatch-PATCH.ko in the current directory.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep what was built in the cache. The next livepatch with this option takes the second link only.
    #[arg(long)]
    keep: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let livepatch = livepatch(args.output.as_deref(), &args.patches[0])?;
    // Before the kernel is built, not behind that.
    for patch in &args.patches {
        fs::File::open(patch).with_context(|| format!("cannot read {}", patch.display()))?;
    }
    let directory = path::absolute(&livepatch)?;
    let directory = directory.parent().unwrap_or(&directory);
    ensure!(
        directory.is_dir(),
        "{}: there is no such directory; create it first",
        directory.display()
    );
    let logs = paths::new_log_dir("klp-build")?;
    let (lane, origin) = args.kernel.choose_newest(&Link::ALL)?;
    packages::install(PACKAGES, &logs)?;
    let kernel = kernel::prepare(&lane, &origin, &logs)?;
    let klp_build = KlpBuild::of(&kernel, args.keep)?;
    let built = klp_build.build(&args.patches, &livepatch, &logs);
    if !args.keep {
        klp_build.remove()?;
    }
    let usage = built?;
    progress::finish(&logs);
    println!("{}", livepatch.display());
    print!("{usage}");
    Ok(Outcome::Pass)
}

/// Returns the file to which the livepatch is written.
fn livepatch(output: Option<&Path>, patch: &Path) -> Result<PathBuf> {
    let Some(output) = output else {
        let name = patch.file_stem();
        let name = name.with_context(|| format!("{}: is not a file", patch.display()))?;
        return Ok(format!("livepatch-{}.ko", name.to_string_lossy()).into());
    };
    ensure!(
        output
            .extension()
            .is_some_and(|extension| extension == "ko"),
        "{}: the name of a livepatch has to end with .ko",
        output.display()
    );
    Ok(output.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_livepatch_is_called_as_the_user_says_or_as_its_patch() {
        let patch = Path::new("dir/fix.patch");
        let named = |output: Option<&str>| livepatch(output.map(Path::new), patch);
        assert_eq!(named(None).unwrap(), Path::new("livepatch-fix.ko"));
        assert_eq!(named(Some("a/b.ko")).unwrap(), Path::new("a/b.ko"));
        for other in ["a/b", "a/b.o"] {
            let error = named(Some(other)).unwrap_err().to_string();
            let expected = format!("{other}: the name of a livepatch has to end with .ko");
            assert_eq!(error, expected);
        }
    }
}

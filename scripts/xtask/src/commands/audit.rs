// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask audit`: what the suffixes in the test kernels are, for docs/suffixes.md.

use super::kernel::SeriesArgs;
use crate::host::{klp_gen, paths, run};
use crate::kernel::{self, series, Lane, Link};
use crate::report::outcome::Outcome;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernels that are compared.
const LINKS: [Link; 2] = [Link::Default, Link::SuffixReduction];

/// The page, and the lines around what is replaced in it.
const DOCUMENT: &str = "docs/suffixes.md";
const BEGIN: &str = "<!-- cargo xtask audit -->\n";
const END: &str = "<!-- end -->\n";

/// Compare the suffixes of the test kernels; write the figures of docs/suffixes.md, which are those of 6.12.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    series: SeriesArgs,
    /// Write the page with all names, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("audit")?;
    // So that the files have names which are the same everywhere.
    let names = tempfile::tempdir()?;
    let origin = args.series.origin()?;
    for link in LINKS {
        let logs = logs.join(link.name());
        let kernel = kernel::prepare(&Lane::linked(&origin.series()?, link)?, &origin, &logs)?;
        fs::create_dir_all(names.path().join(link.name()))?;
        let name = names.path().join(vmlinux(link));
        symlink(kernel.build.join("vmlinux"), name)?;
    }
    let klp_gen = klp_gen::release(&logs)?;
    let figures = audit(&klp_gen, names.path(), "table")?;
    print!("{figures}");
    if origin.series()?.name == series::DEFAULT {
        let path = paths::repository().join(DOCUMENT);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        fs::write(&path, replace(&text, &figures)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(html) = &args.html {
        fs::write(html, audit(&klp_gen, names.path(), "html")?)
            .with_context(|| format!("cannot write {}", html.display()))?;
    }
    Ok(Outcome::Pass)
}

fn vmlinux(link: Link) -> String {
    format!("{}/vmlinux", link.name())
}

fn audit(klp_gen: &Path, names: &Path, format: &str) -> Result<String> {
    let mut command = Command::new(klp_gen);
    command
        .current_dir(names)
        .args(["audit", "--format", format]);
    for link in LINKS {
        command.arg("--vmlinux").arg(vmlinux(link));
    }
    run::announce(&command);
    run::captured(&mut command)
}

/// The document with other figures between the two lines.
fn replace(document: &str, figures: &str) -> Result<String> {
    let parts = document.split_once(BEGIN);
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) =
        parts.with_context(|| format!("{DOCUMENT}: expected the lines `{BEGIN}` and `{END}`"))?;
    Ok(format!(
        "{before}{BEGIN}```text\n{figures}```\n{END}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_lines_is_replaced() {
        let old = format!("a\n{BEGIN}old\n{END}b\n");
        let new = replace(&old, "1\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}```text\n1\n```\n{END}b\n"));
        assert_eq!(replace(&new, "1\n").unwrap(), new);
        assert!(replace("a\n", "1\n").is_err());
    }

    #[test]
    fn the_document_has_the_lines() {
        let path = paths::repository().join(DOCUMENT);
        assert!(replace(&fs::read_to_string(path).unwrap(), "").is_ok());
    }
}

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The further livepatches of the guide: what it shows of each, and what it leaves out.

use super::blocks::{Block, GUIDE};
use crate::host::{paths, run};
use crate::suite::authors::make::AuthorMake;
use anyhow::{ensure, Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The tables that every one has, with its function: those of the first livepatch.
const TABLES: &str = "
static struct klp_func funcs[] = {
	{
		.old_name = \"FUNCTION\",
		.new_func = livepatch_FUNCTION,
	}, { }
};

static struct klp_object objs[] = {
	{
		.funcs = funcs,
	}, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int livepatch_init(void)
{
	return klp_enable_patch(&patch);
}

static void livepatch_exit(void)
{
}

module_init(livepatch_init);
module_exit(livepatch_exit);
MODULE_DESCRIPTION(\"Of the guide for livepatch authors\");
MODULE_LICENSE(\"GPL\");
MODULE_INFO(livepatch, \"Y\");
";
const HEAD: &str = "// SPDX-License-Identifier: GPL-2.0
#include <linux/livepatch.h>
#include <linux/module.h>
";

/// Writes them, each into a directory of its own below `directory`, and returns these with the names of
/// the livepatches.
///
/// # Errors
///
/// Fails if a file cannot be written.
pub fn write(blocks: &[Block<'_>], directory: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut built = BTreeMap::new();
    for block in blocks {
        let (name, text) = match *block {
            Block::Replacement {
                name,
                function,
                code,
            } => {
                let tables = TABLES.replace("FUNCTION", function);
                (name, format!("{HEAD}{code}{tables}"))
            }
            Block::File(name, text) if name.contains('/') => (name, text.to_owned()),
            _ => continue,
        };
        // What has no directory in the guide has no Makefile there, and one file.
        let (group, file) = name
            .split_once('/')
            .unwrap_or_else(|| (name.trim_end_matches(".c"), name));
        let group_directory = directory.join(group);
        fs::create_dir_all(&group_directory)?;
        fs::write(group_directory.join(file), text)?;
        if group == name.trim_end_matches(".c") {
            let makefile = format!(
                "livepatch-m := {group}.o\ninclude $(KLP_SYMPOS)/scripts/Makefile.livepatch\n"
            );
            fs::write(group_directory.join("Makefile"), makefile)?;
            built.insert(group_directory, group.to_owned());
        } else {
            built.insert(group_directory, format!("livepatch_{group}"));
        }
    }
    Ok(built)
}

/// Builds them.
///
/// # Errors
///
/// Fails if one does not build.
pub fn build(make: &AuthorMake<'_>, written: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut modules = Vec::new();
    for (directory, name) in written {
        let mut make = make.command(directory);
        run::announce(&make);
        run::captured(&mut make)?;
        let module = directory.join(format!("{name}.ko"));
        ensure!(module.exists(), "{} was not built", module.display());
        modules.push(module);
    }
    Ok(modules)
}

/// Checks that what the guide quotes is in the files that it names.
///
/// # Errors
///
/// Says which is not.
pub fn check_quotes(blocks: &[Block<'_>]) -> Result<()> {
    let mut quotes = 0;
    for block in blocks {
        let &Block::Quote(path, text) = block else {
            continue;
        };
        let file = fs::read_to_string(paths::repository().join(path))
            .with_context(|| format!("{GUIDE} quotes {path}"))?;
        ensure!(file.contains(text), "{path} does not have: {text}");
        quotes += 1;
    }
    ensure!(quotes > 0, "{GUIDE} quotes nothing");
    Ok(())
}

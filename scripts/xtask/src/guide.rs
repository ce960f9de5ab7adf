// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Follows the guide for livepatch authors to the letter: its files, and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command, //
};

use anyhow::{
    bail,
    ensure,
    Context,
    Result, //
};

use crate::{
    kernel::Kernel,
    klp_gen,
    layout,
    run,
    tally::Tally, //
};

/// The guide. A block of code whose fence has a file name is that file.
const GUIDE: &str = "docs/livepatch-authors.md";
/// The livepatch that it makes.
const MODULE: &str = "livepatch_reboot.ko";
/// What it refers to, and the same misspelt.
const NAME: &str = "mode_show";
const MISSPELT: &str = "mode_shwo";

/// A reader of the guide, in a directory of their own.
pub struct Reader<'k> {
    kernel: &'k Kernel,
    dir: PathBuf,
    logs: PathBuf,
    klp_gen: PathBuf,
}

/// What is tried with the livepatch of the guide.
type Test<'k> = fn(&Reader<'k>) -> Result<()>;

impl<'k> Reader<'k> {
    /// Copies the files out of the guide, and klp-gen, which a test touches.
    ///
    /// # Errors
    ///
    /// Fails if the guide has no files, or klp-gen does not build.
    pub fn new(kernel: &'k Kernel, logs: &Path) -> Result<Self> {
        let path = layout::repository().join(GUIDE);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let dir = logs.join("guide");
        fs::create_dir_all(&dir)?;
        let files = files(&text);
        for name in ["Makefile", "livepatch_reboot.c"] {
            let file = files.iter().find(|(file, _)| file == name);
            let (_, contents) = file.with_context(|| format!("{GUIDE} has no file {name}"))?;
            fs::write(dir.join(name), contents)?;
        }
        let klp_gen = logs.join("klp-gen");
        fs::copy(klp_gen::program()?, &klp_gen)?;
        Ok(Self {
            kernel,
            dir,
            logs: logs.to_path_buf(),
            klp_gen,
        })
    }

    /// The livepatch, built as the guide says.
    ///
    /// # Errors
    ///
    /// Fails if it does not build.
    pub fn build(&self) -> Result<PathBuf> {
        self.make(&["modules"])?;
        Ok(self.dir.join(MODULE))
    }

    /// Runs all tests.
    pub fn test(&self, tally: &mut Tally) {
        let tests: [(&str, Test<'k>); 6] = [
            ("make builds a converted livepatch", Self::is_converted),
            ("a second make changes nothing", Self::stays),
            ("what conversion depends on converts anew", Self::follows),
            ("modules_install installs it", Self::installs),
            ("a misspelt name is refused with the nearest", Self::refuses),
            ("make clean leaves only the sources", Self::cleans),
        ];
        for (name, test) in tests {
            match test(self) {
                Ok(()) => tally.pass(),
                Err(error) => tally.fail(format!("guide: {name}"), format!("{error:#}")),
            }
        }
    }

    fn is_converted(&self) -> Result<()> {
        let module = self.build()?;
        let mut check = klp_gen::command();
        check
            .arg("check")
            .arg("--vmlinux")
            .arg(self.kernel.build.join("vmlinux"))
            .arg(&module);
        run::captured(&mut check)?;
        // What is checked could also be a livepatch without any reference.
        let bytes = fs::read(&module)?;
        let symbol = format!(".klp.sym.vmlinux.{NAME},");
        let found = bytes
            .windows(symbol.len())
            .any(|at| at == symbol.as_bytes());
        ensure!(found, "{} has no {symbol}", module.display());
        Ok(())
    }

    fn stays(&self) -> Result<()> {
        let module = self.build()?;
        let before = fs::metadata(&module)?.modified()?;
        self.build()?;
        ensure!(
            fs::metadata(&module)?.modified()? == before,
            "it was made again"
        );
        Ok(())
    }

    fn follows(&self) -> Result<()> {
        let module = self.build()?;
        let original = fs::read(&module)?;
        // An interrupted make may leave what the linker wrote; here that is what nobody could load.
        let relink = || -> Result<()> {
            fs::remove_file(self.dir.join("livepatch_reboot.mod.o"))?;
            self.build()?;
            ensure!(
                fs::read(&module)? == original,
                "a new link is not converted"
            );
            Ok(())
        };
        relink()?;
        let before = fs::metadata(&module)?.modified()?;
        fs::File::options()
            .append(true)
            .open(&self.klp_gen)?
            .set_modified(std::time::SystemTime::now())?;
        self.build()?;
        ensure!(
            fs::metadata(&module)?.modified()? > before,
            "a new klp-gen does not convert anew"
        );
        ensure!(
            fs::read(&module)? == original,
            "it is another livepatch now"
        );
        Ok(())
    }

    fn installs(&self) -> Result<()> {
        let module = self.build()?;
        let root = self.logs.join("guide-root");
        self.make(&[
            "modules_install",
            &format!("INSTALL_MOD_PATH={}", root.display()),
            // It would want the kernel's own modules there.
            "DEPMOD=/bin/true",
        ])?;
        let mut find = Command::new("find");
        let installed = run::captured(find.arg(&root).args(["-name", MODULE]))?;
        ensure!(
            fs::read(installed.trim())? == fs::read(&module)?,
            "it is another file than the one in the directory"
        );
        Ok(())
    }

    fn refuses(&self) -> Result<()> {
        let source = self.dir.join("livepatch_reboot.c");
        let text = fs::read_to_string(&source)?;
        self.build()?;
        fs::write(&source, text.replace(NAME, MISSPELT))?;
        let refused = self.make(&["modules"]);
        fs::write(&source, text)?;
        let Err(error) = refused else {
            bail!("{MISSPELT} was accepted");
        };
        let said = format!("{error:#}");
        let nearest = format!("did you mean {NAME}?");
        ensure!(
            said.contains(&nearest),
            "it does not say `{nearest}`: {said}"
        );
        ensure!(
            !self.dir.join(MODULE).exists(),
            "the livepatch of before is still there"
        );
        self.build()?;
        Ok(())
    }

    fn cleans(&self) -> Result<()> {
        self.build()?;
        self.make(&["clean"])?;
        let mut left: Vec<_> = fs::read_dir(&self.dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        left.sort();
        ensure!(
            left == ["Makefile", "livepatch_reboot.c"],
            "left are {left:?}"
        );
        Ok(())
    }

    /// `make` in the directory, with nothing but what the guide says one has to say.
    fn make(&self, arguments: &[&str]) -> Result<()> {
        let mut make = self.kernel.tool("make");
        make.arg("-C")
            .arg(&self.dir)
            .arg(format!("KDIR={}", self.kernel.build.display()))
            .arg(format!("KLP_GEN={}", self.klp_gen.display()))
            .arg(format!(
                "KLP_SYMPOS={}",
                layout::repository().join("kmod").display()
            ))
            .args(["LLVM=-22", "-j2"])
            .args(self.kernel.other_linker())
            .args(arguments);
        run::announce(&make);
        run::captured(&mut make)?;
        Ok(())
    }
}

/// The files in a document: blocks whose fence has a name behind the language.
fn files(text: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else {
            continue;
        };
        let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        if let Some((_, name)) = fence.split_once(' ') {
            files.push((name.to_owned(), block.join("\n") + "\n"));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_with_a_name_are_files() {
        let text =
            "text\n```c a.c\nint a;\n```\n```c\nint b;\n```\n```make Makefile\nx:\n\ty\n```\n";
        let expected = [("a.c", "int a;\n"), ("Makefile", "x:\n\ty\n")];
        let found = files(text);
        let found: Vec<_> = found
            .iter()
            .map(|(n, c)| (n.as_str(), c.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_makefile_of_the_guide_is_short() {
        let guide = fs::read_to_string(layout::repository().join(GUIDE)).unwrap();
        let files = files(&guide);
        let (_, makefile) = files.iter().find(|(name, _)| name == "Makefile").unwrap();
        assert!(makefile.lines().count() <= 10, "{makefile}");
    }
}

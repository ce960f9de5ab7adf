// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Follows the guide for livepatch authors to the letter: its files, and nothing else.

mod blocks;
mod examples;

use super::make::AuthorMake;
use crate::host::{klp_gen, paths, run};
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use anyhow::{bail, ensure, Context, Result};
use blocks::{blocks, Block, GUIDE};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// The livepatch that it makes.
const MODULE: &str = "livepatch_reboot.ko";
/// The function to which the livepatch refers.
const NAME: &str = "mode_show";
/// The names in it, misspelt, and what is said then: the first by klp-gen before modpost, the second by
/// the conversion.
const MISSPELT: [(&str, &str, &str); 2] = [
    (NAME, "mode_shwo", "did you mean mode_show?"),
    ("\"type_show,", "\"type_shwo,", "did you mean type_show?"),
];
/// The header that comes with the Makefile, for kernels that have none.
const HEADER: &str = "klp_sympos.h";

/// A reader of the guide, in a directory of their own.
pub struct Reader<'k> {
    make: AuthorMake<'k>,
    text: String,
    dir: PathBuf,
    logs: PathBuf,
}

/// A test of the guide's livepatch.
type Test<'k> = fn(&Reader<'k>) -> Result<()>;

impl<'k> Reader<'k> {
    /// Copies the files out of the guide, and klp-gen, which a test touches.
    ///
    /// # Errors
    ///
    /// Fails if the guide has no files, or klp-gen does not build.
    pub fn new(kernel: &'k Kernel, logs: &Path) -> Result<Self> {
        let path = paths::repository().join(GUIDE);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let dir = logs.join("guide");
        fs::create_dir_all(&dir)?;
        for name in ["Makefile", "livepatch_reboot.c"] {
            let contents = file(&text, name);
            let contents = contents.with_context(|| format!("{GUIDE} has no file {name}"))?;
            fs::write(dir.join(name), contents)?;
        }
        let klp_gen = logs.join("klp-gen");
        fs::copy(klp_gen::program(logs)?, &klp_gen)?;
        Ok(Self {
            make: AuthorMake { kernel, klp_gen },
            text,
            dir,
            logs: logs.to_path_buf(),
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

    /// The further livepatches, built as the guide says.
    ///
    /// # Errors
    ///
    /// Fails if one does not build.
    pub fn build_examples(&self) -> Result<Vec<PathBuf>> {
        let written = examples::write(&blocks(&self.text), &self.logs.join("guide-examples"))?;
        examples::build(&self.make, &written)
    }

    /// Runs all tests.
    pub fn test(&self, tally: &mut Tally) {
        let tests: [(&str, Test<'k>); 12] = [
            ("make builds a converted livepatch", Self::is_converted),
            ("the header comes with the Makefile", Self::brings_header),
            ("a second make changes nothing", Self::stays),
            ("a new link is converted", Self::converts_what_is_linked),
            ("what conversion depends on converts anew", Self::follows),
            ("what a variable says is what is used", Self::uses_variables),
            (
                "what another module exports is referred to as ever",
                Self::refers_to_exports,
            ),
            ("modules_install installs it", Self::installs),
            ("a misspelt name is refused with the nearest", Self::refuses),
            ("make clean leaves only the sources", Self::cleans),
            ("its further livepatches build", Self::builds_examples),
            ("its quotations are right", Self::quotes),
        ];
        run::each("the guide", "tests", tests.into_iter(), |(name, test)| {
            tally.count(&format!("guide: {name}"), test(self));
        });
    }

    fn is_converted(&self) -> Result<()> {
        let module = self.build()?;
        let mut check = klp_gen::command();
        check
            .arg("check")
            .arg("--vmlinux")
            .arg(self.make.kernel.build.join("vmlinux"))
            .arg(&module);
        run::captured(&mut check)?;
        // What is checked could also be a livepatch without any reference.
        let bytes = fs::read(&module)?;
        let symbol = format!(".klp.sym.vmlinux.{NAME},");
        ensure!(
            contains(&bytes, &symbol),
            "{} has no {symbol}",
            module.display()
        );
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

    /// An interrupted make may leave what the linker wrote; here that is what nobody could load.
    fn converts_what_is_linked(&self) -> Result<()> {
        let module = self.build()?;
        let original = fs::read(&module)?;
        fs::remove_file(self.dir.join("livepatch_reboot.mod.o"))?;
        self.build()?;
        ensure!(fs::read(&module)? == original, "it is not converted");
        Ok(())
    }

    fn follows(&self) -> Result<()> {
        let module = self.build()?;
        let original = fs::read(&module)?;
        let mut before = fs::metadata(&module)?.modified()?;
        let [vmlinux, link_order, target] = [
            "vmlinux",
            "vmlinux.a",
            "kernel/livepatch/klp_sympos/klp_sympos.ko",
        ]
        .map(|file| self.copy_of(file));
        let (vmlinux, target) = (vmlinux?, target?);
        let symvers = self.logs.join("other.symvers");
        fs::write(&symvers, "")?;
        let variables = [
            "KLP_FLAGS=--policy llvm".to_owned(),
            format!("KLP_VMLINUX={}", vmlinux.display()),
            format!("KLP_MODULES={}", target.display()),
            format!("KBUILD_EXTRA_SYMBOLS={}", symvers.display()),
        ];
        // Each of the variables is new at first, then each of the files.
        for given in 1..=variables.len() {
            self.converts_anew(&variables[..given], &mut before, &original)
                .with_context(|| variables[given - 1].clone())?;
        }
        for file in [
            &self.make.klp_gen,
            &vmlinux,
            &link_order?,
            &target,
            &symvers,
        ] {
            fs::File::options()
                .append(true)
                .open(file)?
                .set_modified(SystemTime::now())?;
            self.converts_anew(&variables, &mut before, &original)
                .with_context(|| file.display().to_string())?;
        }
        Ok(())
    }

    /// Checks that make writes the same livepatch again.
    fn converts_anew(
        &self,
        variables: &[String],
        before: &mut SystemTime,
        original: &[u8],
    ) -> Result<()> {
        let arguments: Vec<_> = variables.iter().map(String::as_str).collect();
        self.make(&[&["modules"], &arguments[..]].concat())?;
        let module = self.dir.join(MODULE);
        let now = fs::metadata(&module)?.modified()?;
        ensure!(now > *before, "it is not converted anew");
        *before = now;
        ensure!(
            fs::read(&module)? == original,
            "it is another livepatch now"
        );
        Ok(())
    }

    /// A copy of a file of the kernel's build, which is not to change.
    fn copy_of(&self, file: &str) -> Result<PathBuf> {
        let dir = self.logs.join("guide-kernel");
        fs::create_dir_all(&dir)?;
        let from = self.make.kernel.build.join(file);
        let to = dir.join(from.file_name().context("a file has a name")?);
        fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        Ok(to)
    }

    fn uses_variables(&self) -> Result<()> {
        let source = self.dir.join("livepatch_reboot.c").display().to_string();
        let absent = "not found. The modules that are livepatched have to be built";
        for (argument, said) in [
            ("KLP_GEN=no-klp-gen", "no-klp-gen is not found: set KLP_GEN"),
            ("KLP_FLAGS=--no-such-flag", "'--no-such-flag'"),
            (
                "KLP_VMLINUX=/no/vmlinux",
                "/no/vmlinux: not found. klp-gen reads",
            ),
            ("KLP_MODULES=no.ko", &format!("/no.ko: {absent}")),
            // This is not ELF.
            (&format!("KLP_VMLINUX={source}"), &format!("{source}: ")),
            (&format!("KLP_MODULES={source}"), &format!("{source}: ")),
        ] {
            let Err(error) = self.make(&["modules", argument]) else {
                bail!("{argument} makes no difference");
            };
            let error = format!("{error:#}");
            ensure!(
                error.contains(said),
                "{argument}: it does not say `{said}`: {error}"
            );
        }
        self.build()?;
        Ok(())
    }

    fn refers_to_exports(&self) -> Result<()> {
        let symvers = self.logs.join("exporter.symvers");
        fs::write(
            &symvers,
            "0x00000000\tklp_export\texporter\tEXPORT_SYMBOL_GPL\t\n",
        )?;
        let last = "MODULE_INFO(livepatch, \"Y\");\n";
        let more = format!("{last}extern int klp_export;\nint *livepatch_uses = &klp_export;\n");
        let made = self.with_source((last, &more), || {
            self.make(&[
                "modules",
                &format!("KBUILD_EXTRA_SYMBOLS={}", symvers.display()),
            ])
        })?;
        let module = fs::read(self.dir.join(MODULE));
        self.build()?;
        made?;
        ensure!(
            contains(&module?, "depends=exporter"),
            "it does not depend on the module"
        );
        Ok(())
    }

    /// The test kernel has the header, too: only this one has another name.
    fn brings_header(&self) -> Result<()> {
        let (kmod, copy) = (
            paths::repository().join("kmod"),
            self.logs.join("klp-sympos"),
        );
        let other = format!("other_{HEADER}");
        for (from, to) in [
            ("scripts/Makefile.livepatch", "scripts/Makefile.livepatch"),
            (
                &format!("include/linux/{HEADER}"),
                &format!("include/linux/{other}"),
            ),
        ] {
            let to = copy.join(to);
            fs::create_dir_all(to.parent().unwrap_or(&copy))?;
            fs::copy(kmod.join(from), to).with_context(|| format!("cannot copy {from}"))?;
        }
        let made = self.with_source((HEADER, &other), || {
            self.make(&["modules", &format!("KLP_SYMPOS={}", copy.display())])
        })?;
        self.build()?;
        made
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
        for (name, misspelt, nearest) in MISSPELT {
            self.build()?;
            let refused = self.with_source((name, misspelt), || self.make(&["modules"]))?;
            let Err(error) = refused else {
                bail!("{misspelt} was accepted");
            };
            let said = format!("{error:#}");
            ensure!(
                said.contains(nearest),
                "it does not say `{nearest}`: {said}"
            );
            ensure!(
                !self.dir.join(MODULE).exists(),
                "{misspelt}: the livepatch is still there"
            );
        }
        self.build()?;
        Ok(())
    }

    /// Does something while the source has another text in place of one.
    fn with_source<T>(&self, (from, to): (&str, &str), then: impl FnOnce() -> T) -> Result<T> {
        let source = self.dir.join("livepatch_reboot.c");
        let text = fs::read_to_string(&source)?;
        fs::write(&source, text.replace(from, to))?;
        let result = then();
        fs::write(&source, text)?;
        Ok(result)
    }

    fn builds_examples(&self) -> Result<()> {
        let modules = self.build_examples()?;
        ensure!(modules.len() >= 4, "there are only {}", modules.len());
        Ok(())
    }

    fn quotes(&self) -> Result<()> {
        examples::check_quotes(&blocks(&self.text))
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
        let mut make = self.make.command(&self.dir);
        make.args(arguments);
        run::announce(&make);
        run::captured(&mut make)?;
        Ok(())
    }
}

/// The contents of a file in the guide.
fn file<'t>(guide: &'t str, wanted: &str) -> Option<&'t str> {
    blocks(guide).into_iter().find_map(|block| match block {
        Block::File(name, contents) if name == wanted => Some(contents),
        _ => None,
    })
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|at| at == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_makefile_of_the_guide_is_short() {
        let guide = fs::read_to_string(paths::repository().join(GUIDE)).unwrap();
        let makefile = file(&guide, "Makefile").unwrap();
        assert!(makefile.lines().count() <= 10, "{makefile}");
    }
}

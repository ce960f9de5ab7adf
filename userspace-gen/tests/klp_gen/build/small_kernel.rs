// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The build directory of a kernel of a few C files, made by the real compiler and linker.

use crate::shell::write_program;
use klp_gen::build::progress::Silent;
use klp_gen::build::{
    pairs, BuildRefusal, BuildRequest, KernelBuild, Pairs, Progress, Refusable, Unit,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::SystemTime;
use tempfile::TempDir;

/// The compiler of every file.
pub const CC: &str = "clang-22";
const LD: &str = "ld.lld-22 -m elf_x86_64 -mllvm -import-instr-limit=5";

/// A source tree, a build directory, a cache, and patches.
pub struct SmallKernel {
    pub directory: TempDir,
    launcher: Vec<String>,
    pub jobs: usize,
}

/// A C file, and what it is linked into: nothing for vmlinux, or the name of a module.
pub type Source = (&'static str, &'static str, &'static str);

impl SmallKernel {
    /// Compiles and links sources; headers have no object.
    pub fn new(sources: &[Source]) -> Self {
        let directory = TempDir::new().unwrap();
        let kernel = Self {
            directory,
            launcher: Vec::new(),
            jobs: 2,
        };
        for (name, _, text) in sources {
            kernel.write(&format!("source/{name}"), text);
        }
        let mut members: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, object, _) in sources {
            let Some(stem) = name.strip_suffix(".c") else {
                continue;
            };
            let list = members.entry(object).or_default();
            list.push(format!("{stem}.o"));
        }
        let mut order = String::new();
        for (module, list) in &members {
            for object in list {
                let is_single = !module.is_empty() && list.len() == 1;
                kernel.compile(object, if is_single { Some(module) } else { None });
            }
            if module.is_empty() {
                continue;
            }
            kernel.write(&format!("build/{module}.mod"), &(list.join("\n") + "\n"));
            if list.len() > 1 {
                let command = format!("{LD} -r -o {module}.o @{module}.mod");
                kernel.run(&command);
                kernel.write(
                    &format!("build/.{module}.o.cmd"),
                    &format!("savedcmd_{module}.o := {command}\n"),
                );
            }
            writeln!(order, "{module}.o").unwrap();
        }
        kernel.write("build/modules.order", &order);
        kernel.write("build/Module.symvers", "");
        let all = members.get("").cloned().unwrap_or_default();
        kernel.run(&format!("llvm-ar-22 cDPrST vmlinux.a {}", all.join(" ")));
        let command = format!("{LD} -r -o vmlinux.o --whole-archive vmlinux.a --no-whole-archive");
        kernel.run(&command);
        kernel.write(
            "build/.vmlinux.o.cmd",
            &format!("savedcmd_vmlinux.o := {command}  ; true\n\n"),
        );
        kernel.run("ld.lld-22 -o vmlinux vmlinux.o -e 0 --unresolved-symbols=ignore-all");
        kernel
    }

    /// Compiles a file as kbuild does, and saves the command; a module's only file is linked over its bitcode.
    fn compile(&self, object: &str, single: Option<&str>) {
        let source = self.path("source").join(object).with_extension("c");
        let include = self.path("source");
        let dependencies = format!("{object}.d");
        let compile = format!(
            "{CC} -Wp,-MMD,{dependencies} -I{} --target=x86_64-linux-gnu -O2 -fno-PIE -mcmodel=kernel \
             -flto=thin -fsplit-lto-unit -fvisibility=hidden -DNAME='\"{object}\"' -c -o {object} {}",
            include.display(),
            source.display()
        );
        fs::create_dir_all(self.path("build").join(object).parent().unwrap()).unwrap();
        self.run(&compile);
        let command = match single {
            Some(_) => {
                let link = format!("{LD} -r -o {object}.tmp {object}; mv {object}.tmp {object}");
                self.run(&link);
                format!("{compile} ; {link}")
            }
            None => compile,
        };
        let list = fs::read_to_string(self.path("build").join(&dependencies)).unwrap();
        fs::remove_file(self.path("build").join(&dependencies)).unwrap();
        let list = list.replace("\\\n", " ");
        let read: Vec<_> = list.split_whitespace().skip(2).collect();
        let mut text = format!(
            "savedcmd_{object} := {command}\n\nsource_{object} := {}\n\ndeps_{object} := \\\n    $(wildcard include/config/SMP) \\\n",
            source.display()
        );
        for path in read {
            writeln!(text, "  {path} \\").unwrap();
        }
        let path = Path::new(object);
        let name = path.file_name().unwrap().to_str().unwrap();
        let saved = path.with_file_name(format!(".{name}.cmd"));
        self.write(&format!("build/{}", saved.display()), &text);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, command: &str) {
        let output = Command::new("sh")
            .args(["-ec", command])
            .current_dir(self.path("build"))
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Compiles a file of vmlinux anew, and links.
    pub fn rebuild(&self, object: &str) {
        self.compile(object, None);
        self.run(&format!(
            "{LD} -r -o vmlinux.o --whole-archive vmlinux.a --no-whole-archive"
        ));
    }

    /// Puts a program in front of every compile line, which notes the lines; returns the file with them.
    pub fn launch(&mut self) -> PathBuf {
        let log = self.path("log");
        self.launch_by(&format!(
            "#!/bin/sh\necho \"$@\" >> {}\nexec \"$@\"\n",
            log.display()
        ));
        log
    }

    /// Puts a script in front of every compile line.
    pub fn launch_by(&mut self, script: &str) {
        let program = self.path("launch");
        write_program(&program, script);
        self.launcher = vec![program.display().to_string()];
    }

    /// Writes a patch that replaces text in files of the source tree.
    pub fn patch(&self, name: &str, edits: &[(&str, &str, &str)]) -> PathBuf {
        let mut patch = String::new();
        for (file, from, to) in edits {
            let before = fs::read_to_string(self.path("source").join(file)).unwrap();
            assert!(before.contains(from), "{file}: {from}");
            let after = before.replacen(from, to, 1);
            let mut options = diffy::DiffOptions::new();
            let text = options
                .set_original_filename(format!("a/{file}"))
                .set_modified_filename(format!("b/{file}"))
                .create_patch(&before, &after)
                .to_string();
            patch += &text;
        }
        self.write(name, &patch);
        self.path(name)
    }

    pub fn request(&self, patches: &[&PathBuf]) -> BuildRequest {
        BuildRequest {
            patches: patches.iter().copied().cloned().collect(),
            jobs: self.jobs,
            launcher: self.launcher.clone(),
            cache: self.path("cache"),
            keep: None,
            all: false,
        }
    }

    pub fn open(&self) -> KernelBuild {
        KernelBuild::open(&self.path("build"), Some(&self.path("source"))).unwrap()
    }

    /// Finds what patches change.
    pub fn pairs(&self, patches: &[&PathBuf]) -> Refusable<Pairs> {
        pairs(&self.request(patches), &self.open(), &Silent).unwrap()
    }

    /// Finds what edits change: files and reasons.
    pub fn affected(&self, edits: &[(&str, &str, &str)]) -> Vec<String> {
        let patch = self.patch("edit.patch", edits);
        let pairs = self.pairs(&[&patch]).unwrap();
        pairs
            .units
            .iter()
            .map(|unit| {
                format!(
                    "{} {}: {}",
                    unit.object.name(),
                    unit.source.display(),
                    unit.reason
                )
            })
            .collect()
    }

    /// Returns the reasons for which a patch is refused.
    pub fn refusals(&self, patch: &str) -> Vec<String> {
        self.write("refused.patch", patch);
        said(
            self.pairs(&[&self.path("refused.patch")])
                .map(|_| ())
                .unwrap_err(),
        )
    }

    /// Returns every file of the source tree and the build directory, with its time.
    pub fn files(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut files = BTreeMap::new();
        let mut directories = vec![self.path("source"), self.path("build")];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    directories.push(entry.path());
                }
                files.insert(entry.path(), entry.metadata().unwrap().modified().unwrap());
            }
        }
        files
    }
}

/// Returns refusals as they are printed.
pub fn said(refusals: Vec<BuildRefusal>) -> Vec<String> {
    let said = refusals
        .into_iter()
        .map(|refusal| format!("{}: {}", refusal.subject, refusal.reason));
    said.collect()
}

/// Returns the bytes of a function's section.
pub fn function(object: &Path, name: &str) -> Vec<u8> {
    use object::{Object as _, ObjectSection as _};
    let data = fs::read(object).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let section = file.section_by_name(&format!(".text.{name}"));
    section
        .unwrap_or_else(|| panic!("no {name} in {}", object.display()))
        .data()
        .unwrap()
        .to_vec()
}

/// Returns the unit of a source file.
pub fn unit<'u>(pairs: &'u Pairs, source: &str) -> &'u Unit {
    let mut units = pairs.units.iter();
    units.find(|unit| unit.source == Path::new(source)).unwrap()
}

/// Notes the steps of a build.
#[derive(Default)]
pub struct Notes(pub Mutex<Vec<String>>);

impl Progress for Notes {
    fn step(&self, name: &'static str, total: usize) {
        self.0.lock().unwrap().push(format!("{name} {total}"));
    }
    fn advance(&self, what: &str) {
        self.0.lock().unwrap().push(format!("- {what}"));
    }
    fn warn(&self, what: &str) {
        self.0.lock().unwrap().push(format!("warning {what}"));
    }
}

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Source patches, applied to copies of the files that they change.
//!
//! Paths are those of `patch -p1`. Every line of a hunk has to be in the file as the patch has it. A hunk
//! may have moved, but there is no fuzz: a livepatch of the wrong code is worse than no livepatch.

use super::declared::text::{declared, Block, CText, Declared};
use super::lines::{self, Lines};
use super::{BuildRefusal, Refusable, RefusalKind};
use crate::error::{Error, Result};
use crate::file::read_file;
use crate::printable::shown;
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};
use diffy::{Line, Patch};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// The files that patches change, with their new contents.
#[derive(Debug, Default)]
pub struct Patched {
    files: BTreeMap<PathBuf, File>,
    /// The paths in the patches that are no source files of the kernel.
    pub ignored: Vec<PathBuf>,
}

#[derive(Debug, Default)]
struct File {
    original: Vec<u8>,
    text: Vec<u8>,
    lines: Lines,
}

/// The parts of a kernel's tree that no livepatch can change, each with the reason.
const NOT_PATCHABLE: [(&str, &str); 6] = [
    (
        "/boot/",
        "is part of the boot code, which does not run any more: a livepatch cannot change it",
    ),
    (
        "/vdso/",
        "is part of the vDSO, which runs in user space: a livepatch cannot replace it",
    ),
    (
        "/vdso32/",
        "is part of the vDSO, which runs in user space: a livepatch cannot replace it",
    ),
    ("/realmode/", "is real-mode code, which ftrace cannot patch"),
    (
        "/purgatory/",
        "is part of the purgatory, which runs after the kernel: a livepatch cannot change it",
    ),
    (
        "/libstub/",
        "is part of the EFI stub, which does not run any more: a livepatch cannot change it",
    ),
];

/// The directories with files that are not compiled into a kernel.
const NO_CODE: [&str; 5] = ["Documentation", "tools", "scripts", "LICENSES", "usr"];

impl Patched {
    /// Reads patches and applies them, one after the other, to the files of a source tree.
    ///
    /// # Errors
    ///
    /// A patch cannot be read, or has another format.
    pub fn apply(patches: &[PathBuf], tree: &Path) -> Result<Refusable<Self>> {
        let mut all = Self::default();
        let mut refusals = Vec::new();
        for path in patches {
            let origin = path.display().to_string();
            let text = without_carriage_returns(read_file(path)?);
            let is_git = text.split(|&b| b == b'\n').any(is_git_header);
            let options = if is_git {
                ParseOptions::gitdiff()
            } else {
                ParseOptions::unidiff()
            };
            let mut read = 0;
            for file in PatchSet::parse_bytes(&text, options) {
                let file = file.map_err(|e| {
                    let what = format_args!("expected a patch in unified format, {e}");
                    Error::malformed(&origin, what)
                })?;
                if let Err(refusal) = all.add(&origin, file.operation(), file.patch(), tree)? {
                    refusals.push(refusal);
                }
                read += 1;
            }
            let files = count_files(&text);
            if read < files {
                let what = format!(
                    "expected one form of patch, found changes of {files} files of which {read} have the form of the first: \
                     give those of git diff and those of diff -u as two patches"
                );
                return Err(Error::malformed(&origin, &what));
            }
        }
        if refusals.is_empty() {
            Ok(Ok(all))
        } else {
            Ok(Err(refusals))
        }
    }

    /// Returns the paths of the files that change, below the source tree.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Returns each file with its new text. Unchanged lines keep their numbers as far as possible.
    pub fn texts(&self) -> impl Iterator<Item = (&Path, Vec<u8>)> {
        let texts = self.files.iter();
        texts.map(|(path, file)| (path.as_path(), file.lines.keep_numbers(&file.text)))
    }

    /// Returns where a static local is declared that the compiler places at line `number` of a file with the patch (or
    /// without it), as seen from the original source.
    ///
    /// The context of a patch says which lines are alike, not what its author had in mind: a new block in front of an old
    /// one often begins with the lines of the old one. So a declaration is only the old one's if its whole block is
    /// unchanged, and there once.
    ///
    /// Returns nothing if that is not certain, or if the patch does not change the file.
    #[must_use]
    pub fn declared(
        &self,
        path: &Path,
        number: usize,
        variable: &[u8],
        is_patched: bool,
    ) -> Option<Declared> {
        let file = self.files.get(path)?;
        if !is_patched {
            return declared(&file.original, number, variable);
        }
        if [&file.original, &file.text]
            .iter()
            .any(|text| lines::has_line_directive(text))
        {
            return None;
        }
        let text = CText::new(&file.text);
        let mut places = file.lines.numbered(&file.text, number);
        places.retain(|&place| text.declares(place, variable));
        let &[place] = &places[..] else { return None };
        let block = match text.block(place)? {
            Block::Body => return Some(Declared::Body),
            Block::Inner(block) => block,
        };
        let Some(origin) = file.lines.origin(place) else {
            return Some(Declared::New);
        };
        let before = file.lines.unchanged(&block)?;
        let is_unique = text.is_unique(&block) && CText::new(&file.original).is_unique(&before);
        is_unique.then_some(Declared::Line(origin + 1))
    }

    fn add(
        &mut self,
        origin: &str,
        operation: &FileOperation<'_, [u8]>,
        edit: &PatchKind<'_, [u8]>,
        tree: &Path,
    ) -> Result<std::result::Result<(), BuildRefusal>> {
        let stripped = operation.strip_prefix(1);
        // git writes the paths of a rename without a/ and b/.
        if let FileOperation::Rename { to, .. } | FileOperation::Copy { to, .. } = operation {
            let why = "is renamed or copied: a livepatch cannot move code (patch the functions in the old file)";
            return Ok(self.not_changed(to, why));
        }
        let (path, created) = match &stripped {
            FileOperation::Create(path) => (path, true),
            FileOperation::Delete(path) => {
                return Ok(self.not_changed(path, "is deleted: a livepatch cannot remove code (keep the file, and make its functions empty)"));
            }
            FileOperation::Modify { original, modified } => {
                // diff -u old.c new.c may name a copy in the first line; patch(1) takes the file that exists.
                let known = |path: &[u8]| tree.join(path_of(path)).is_file();
                (if known(modified) { modified } else { original }, false)
            }
            FileOperation::Rename { .. } | FileOperation::Copy { .. } => return Ok(Ok(())),
        };
        let path = path_of(path);
        let inside = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside || path.as_os_str().is_empty() {
            let what = format_args!("expected a path as of git diff, below the source tree without its first directory, found {}", path.display());
            return Err(Error::malformed(origin, what));
        }
        match kind_of(&path) {
            FileKind::Code => (),
            FileKind::NoCode => {
                self.ignored.push(path);
                return Ok(Ok(()));
            }
            FileKind::Refused(why) => return Ok(Err(refusal(RefusalKind::NotThinLto, &path, why))),
        }
        let PatchKind::Text(edit) = edit else {
            return Ok(Err(refusal(
                RefusalKind::DoesNotApply,
                &path,
                "is changed by a binary patch: give a patch in unified format",
            )));
        };
        if !self.files.contains_key(&path) {
            let file = tree.join(&path);
            let text = match (file.is_file(), created) {
                (true, false) => read_file(&file)?,
                (false, true) => Vec::new(),
                (true, true) => {
                    return Ok(Err(refusal(RefusalKind::DoesNotApply, &path, &format!("exists in {}, but {origin} creates it: the patch may have been applied already", tree.display()))));
                }
                (false, false) => {
                    return Ok(Err(refusal(RefusalKind::DoesNotApply, &path, &format!("is not in {}: give a patch of this kernel, with paths as of git diff (patch -p1)", tree.display()))));
                }
            };
            let lines = Lines::new(&text);
            let file = File {
                original: text.clone(),
                text,
                lines,
            };
            self.files.insert(path.clone(), file);
        }
        let Some(file) = self.files.get_mut(&path) else {
            return Ok(Ok(()));
        };
        match file.lines.patch(&file.text, edit) {
            Ok(text) => {
                file.text = text;
                Ok(Ok(()))
            }
            Err(hunk) => Ok(Err(does_not_apply(&path, origin, &file.text, edit, hunk))),
        }
    }

    fn not_changed(&mut self, path: &[u8], why: &str) -> std::result::Result<(), BuildRefusal> {
        let path = path_of(path);
        if matches!(kind_of(&path), FileKind::NoCode) {
            self.ignored.push(path);
            return Ok(());
        }
        Err(refusal(RefusalKind::DoesNotApply, &path, why))
    }
}

/// Removes the carriage returns of a patch that a mail program gave to every line, as patch(1) does.
fn without_carriage_returns(mut text: Vec<u8>) -> Vec<u8> {
    let mut lines = text.split_inclusive(|&b| b == b'\n');
    let is_mailed = lines.all(|line| line.ends_with(b"\r\n") || !line.ends_with(b"\n"));
    if is_mailed {
        text.retain(|&b| b != b'\r');
    }
    text
}

/// Returns true if a line begins the changes of a file as git prints them. A message may speak of `diff --git`.
fn is_git_header(line: &[u8]) -> bool {
    let paths = line.strip_prefix(b"diff --git ");
    paths.is_some_and(|paths| memchr::memmem::find(paths, b"/").is_some())
}

/// Returns the number of files whose lines a text changes: a hunk behind the two names of a file.
fn count_files(text: &[u8]) -> usize {
    let lines: Vec<_> = text.split(|&b| b == b'\n').collect();
    let is_file = |three: &&[&[u8]]| {
        three[0].starts_with(b"--- ")
            && three[1].starts_with(b"+++ ")
            && three[2].starts_with(b"@@ ")
    };
    lines.windows(3).filter(is_file).count()
}

/// The one text of which code is made (`arch/x86/lib/Makefile`).
const OPCODES: &str = "x86-opcode-map.txt";

/// The kind of a file.
enum FileKind {
    Code,
    NoCode,
    Refused(&'static str),
}

fn kind_of(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let first = path.iter().next().unwrap_or_default();
    if NO_CODE.iter().any(|directory| first == *directory) {
        return FileKind::NoCode;
    }
    if name.starts_with("Kconfig") {
        return FileKind::Refused(
            "changes the configuration: a livepatch only changes functions (build a new kernel)",
        );
    }
    if name.starts_with("Makefile") || name.starts_with("Kbuild") || name == "Platform" {
        return FileKind::Refused(
            "changes how files are built: a livepatch only changes functions (remove this part of the patch)",
        );
    }
    let text = format!("/{}", path.display());
    // The headers of the vDSO are the kernel's as well.
    let is_header = first == "include";
    if let Some((_, why)) = NOT_PATCHABLE
        .iter()
        .find(|(part, _)| text.contains(part) && !is_header)
    {
        return FileKind::Refused(why);
    }
    match &*extension {
        "c" | "h" | "inc" | "def" => FileKind::Code,
        "S" if name.ends_with(".lds.S") => FileKind::Refused(
            "is a linker script: a livepatch cannot change the layout of the kernel",
        ),
        "lds" => FileKind::Refused(
            "is a linker script: a livepatch cannot change the layout of the kernel",
        ),
        "S" => FileKind::Refused(
            "is assembler, which ftrace cannot patch: change the C functions that call it",
        ),
        "rs" => FileKind::Refused(
            "is Rust, and ftrace cannot trace Rust functions: change a C function that calls it",
        ),
        "tbl" => FileKind::Refused(
            "is the system call table, which is data: a livepatch only changes functions",
        ),
        "asn1" | "awk" | "bc" | "map" | "pl" | "py" | "sh" | "uc" => FileKind::Refused(
            "may be what the build makes code of: a livepatch only changes functions that are written in C (remove this \
             part of the patch)",
        ),
        "txt" if name == OPCODES => {
            FileKind::Refused("is what the build makes the tables of the instruction decoder of")
        }
        _ => FileKind::NoCode,
    }
}

fn refusal(kind: RefusalKind, path: &Path, reason: &str) -> BuildRefusal {
    BuildRefusal {
        kind,
        subject: path.display().to_string(),
        reason: reason.to_owned(),
    }
}

/// Returns a refusal that names the first line that the patch expects and the file does not have.
fn does_not_apply(
    path: &Path,
    origin: &str,
    text: &[u8],
    edit: &Patch<'_, [u8]>,
    number: usize,
) -> BuildRefusal {
    // Writing to a string does not fail.
    let mut reason = format!("{origin} does not apply");
    if let Some(hunk) = edit.hunks().get(number) {
        let start = hunk.old_range().start();
        let _ = write!(reason, ": hunk {}, at line {start}", number + 1);
        let expected = hunk.lines().iter().filter_map(|line| match line {
            Line::Context(line) | Line::Delete(line) => Some(*line),
            Line::Insert(_) => None,
        });
        let mut there = text
            .split_inclusive(|&b| b == b'\n')
            .skip(start.saturating_sub(1));
        if !lines::has_context(hunk) {
            reason += ", without context (give a patch with three lines of context, as git diff makes it)";
        }
        for expected in expected {
            let found = there.next().unwrap_or_default();
            if found != expected {
                let (expected, found) = (shown(expected.trim_ascii()), shown(found.trim_ascii()));
                let _ = write!(
                    reason,
                    ", expected '{expected}', but the file has '{found}'"
                );
                break;
            }
        }
    }
    reason += " (fuzz is not supported: give a patch for the source of this kernel)";
    refusal(RefusalKind::DoesNotApply, path, &reason)
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_patch() {
        let git = b"diff --git a/fs/a.c b/fs/a.c";
        assert!(is_git_header(git));
        assert!(!is_git_header(b"diff --git is a command"));
        let text = b"--- x\n+++ y\n\n--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(count_files(text), 1);
    }
}

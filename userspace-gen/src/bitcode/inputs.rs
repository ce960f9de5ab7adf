// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The inputs of a link: object files, bitcode, and archives of both, thin ones too.

use super::native::ElfObject;
use super::producer::{Producer, MAGIC, WRAPPER};
use crate::error::{Error, Result};
use crate::file::read_file;
use crate::file::sort::{known, ARCHIVES};
use crate::printable::shown;
use object::read::archive::ArchiveFile;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The beginning of a bitcode file, plain or in a wrapper.
const BITCODE: [&[u8]; 2] = [MAGIC, WRAPPER];
/// The start of an ELF file.
const ELF: &[u8] = b"\x7fELF";
/// The largest depth of archives in archives. kbuild's archives are flat.
const DEEPEST: usize = 4;

/// An object file in bitcode, which clang makes for ThinLTO.
#[derive(Debug)]
pub struct Bitcode {
    /// The name in messages.
    pub origin: String,
    /// The path for LLVM's tools.
    pub path: PathBuf,
    /// The LLVM that made it, if the file tells.
    pub producer: Option<Producer>,
    /// True for a member of an archive, which the linker drops if nothing refers to it.
    pub is_member: bool,
}

/// The part of an object with code and bitcode that is linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FatObjects {
    /// The code, as the linker does it without an option.
    #[default]
    Code,
    /// The bitcode, as the linker does it with `--fat-lto-objects`.
    Bitcode,
}

/// The inputs of a link.
#[derive(Debug, Default)]
pub struct LinkInputs {
    elf: Vec<ElfObject>,
    bitcode: Vec<Bitcode>,
    fat: FatObjects,
    /// The ELF objects with additional bitcode, which is not linked.
    unused_bitcode: Vec<String>,
    /// The directory with extracted members of archives.
    extracted: Option<TempDir>,
}

impl LinkInputs {
    /// Opens the inputs of a link.
    ///
    /// # Errors
    ///
    /// An input cannot be read, or is neither an ELF file nor bitcode nor an archive of these.
    pub fn open(paths: &[PathBuf], fat: FatObjects) -> Result<Self> {
        let mut inputs = Self {
            fat,
            ..Self::default()
        };
        for path in paths {
            let data = read_file(path)?;
            let again = Some(path.as_path()).filter(|path| can_be_opened_again(path));
            inputs.add(path.display().to_string(), again, data, 0)?;
        }
        Ok(inputs)
    }

    /// Returns the object files in ELF.
    #[must_use]
    pub fn elf(&self) -> &[ElfObject] {
        &self.elf
    }

    /// Returns the object files in bitcode.
    #[must_use]
    pub fn bitcode(&self) -> &[Bitcode] {
        &self.bitcode
    }

    /// Returns the objects with bitcode that is not linked, because their code is.
    #[must_use]
    pub fn unused_bitcode(&self) -> &[String] {
        &self.unused_bitcode
    }

    fn add(
        &mut self,
        origin: String,
        path: Option<&Path>,
        data: Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let is = |magic: &&[u8]| data.starts_with(magic);
        if ARCHIVES.iter().any(is) {
            return self.add_members(&origin, path, &data, depth);
        }
        if is(&ELF) {
            return self.add_elf(ElfObject { origin, data }, depth > 0);
        }
        if BITCODE.iter().any(is) {
            return self.add_bitcode(origin, path, &data, depth > 0);
        }
        let start = data.get(..data.len().min(8)).unwrap_or_default();
        let expected = "expected an ELF object, bitcode or an archive of them, found";
        let (length, start) = (data.len(), shown(start));
        Err(match (length, known(&data[..])) {
            (0, _) => Error::unsupported(&origin, format_args!("{expected} an empty file")),
            (_, Some(found)) => Error::unsupported(&origin, format_args!("{expected} {found}")),
            _ if data.contains(&0) => {
                let found = format_args!("{length} bytes that begin with '{start}'");
                Error::unsupported(&origin, format_args!("{expected} {found}"))
            }
            _ => Error::unsupported(
                &origin,
                format_args!(
                    "{expected} text that begins with '{start}' (a linker script is given with \
                     --linker-script)"
                ),
            ),
        })
    }

    fn add_elf(&mut self, object: ElfObject, is_member: bool) -> Result<()> {
        match (object.bitcode()?, self.fat) {
            (Some(bitcode), FatObjects::Bitcode) => {
                return self.add_bitcode(object.origin.clone(), None, bitcode, is_member);
            }
            (Some(_), FatObjects::Code) => self.unused_bitcode.push(object.origin.clone()),
            (None, _) => {}
        }
        self.elf.push(object);
        Ok(())
    }

    fn add_bitcode(
        &mut self,
        origin: String,
        path: Option<&Path>,
        data: &[u8],
        is_member: bool,
    ) -> Result<()> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => self.extract(data)?,
        };
        self.bitcode.push(Bitcode {
            origin,
            path,
            producer: Producer::of(data),
            is_member,
        });
        Ok(())
    }

    fn add_members(
        &mut self,
        origin: &str,
        path: Option<&Path>,
        data: &[u8],
        depth: usize,
    ) -> Result<()> {
        let malformed = |e| Error::malformed(origin, format_args!("expected an archive: {e}"));
        if depth == DEEPEST {
            let what = format_args!("expected archives at most {DEEPEST} deep, found more");
            return Err(Error::unsupported(origin, what));
        }
        let archive = ArchiveFile::parse(data).map_err(malformed)?;
        for member in archive.members() {
            let member = member.map_err(malformed)?;
            let name = member.name();
            let inner = format!("{origin}({})", shown(name));
            if !member.is_thin() {
                let data = member.data(data).map_err(malformed)?.to_vec();
                self.add(inner, None, data, depth + 1)?;
                continue;
            }
            // The names in a thin archive are relative to the archive.
            let directory = path.and_then(Path::parent).unwrap_or(Path::new(""));
            let path = directory.join(Path::new(OsStr::from_bytes(name)));
            let data = read_file(&path)?;
            self.add(inner, Some(&path), data, depth + 1)?;
        }
        Ok(())
    }

    /// Writes bitcode within another file to a file of its own, and returns the path.
    fn extract(&mut self, data: &[u8]) -> Result<PathBuf> {
        let cannot = |e| Error::io(&"cannot write a temporary file", e);
        let directory = match self.extracted.take() {
            Some(directory) => directory,
            None => tempfile::tempdir().map_err(cannot)?,
        };
        let path = directory.path().join(format!("{}.bc", self.bitcode.len()));
        let written = fs::write(&path, data);
        self.extracted = Some(directory);
        written.map_err(cannot)?;
        Ok(path)
    }
}

/// Returns true if another process can read the same file by its path. That is not true of stdin, a pipe, or
/// `/dev/fd/3`.
fn can_be_opened_again(path: &Path) -> bool {
    let is_file = fs::metadata(path).is_ok_and(|file| file.is_file());
    let is_own = ["/dev", "/proc"].iter().any(|own| path.starts_with(own));
    is_file && !is_own && path != Path::new("-")
}

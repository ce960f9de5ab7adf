// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What is linked: object files, bitcode, and archives of both, thin ones too.

use crate::elf::content::ARCHIVES;
use crate::elf::read_file;
use crate::error::{Error, Result};
use crate::shown::shown;
use object::read::archive::ArchiveFile;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What LLVM bitcode begins with: as it is, or in a wrapper.
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];
/// What an ELF file begins with.
const ELF: &[u8] = b"\x7fELF";
/// How many archives may be in one another. Kbuild's are flat.
const DEEPEST: usize = 4;

/// An object file in ELF, what an assembler makes.
#[derive(Debug)]
pub struct ElfObject {
    /// What messages call it.
    pub origin: String,
    /// What it contains.
    pub data: Vec<u8>,
}

/// An object file in bitcode, what clang makes for ThinLTO.
#[derive(Debug)]
pub struct Bitcode {
    /// What messages call it.
    pub origin: String,
    /// Where LLVM's tools find it.
    pub path: PathBuf,
}

/// Everything that is linked, opened.
#[derive(Debug, Default)]
pub struct Inputs {
    elf: Vec<ElfObject>,
    bitcode: Vec<Bitcode>,
    /// Members of archives that are in no file of their own.
    extracted: Option<TempDir>,
}

impl Inputs {
    /// Opens the inputs of a link.
    ///
    /// # Errors
    ///
    /// One of them cannot be read, or is neither an ELF file nor bitcode nor an archive of such.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let mut inputs = Self::default();
        for path in paths {
            let data = read_file(path)?;
            inputs.add(path.display().to_string(), Some(path), data, 0)?;
        }
        Ok(inputs)
    }

    /// The object files in ELF.
    #[must_use]
    pub fn elf(&self) -> &[ElfObject] {
        &self.elf
    }

    /// The object files in bitcode.
    #[must_use]
    pub fn bitcode(&self) -> &[Bitcode] {
        &self.bitcode
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
            self.elf.push(ElfObject { origin, data });
            return Ok(());
        }
        if BITCODE.iter().any(is) {
            let path = match path {
                Some(path) => path.to_owned(),
                None => self.extract(&data)?,
            };
            self.bitcode.push(Bitcode { origin, path });
            return Ok(());
        }
        let start = data.get(..data.len().min(8)).unwrap_or_default();
        Err(Error::unsupported(
            &origin,
            format_args!(
                "expected an ELF object, bitcode or an archive of them, found {} bytes that begin \
                 with '{}'",
                data.len(),
                shown(start)
            ),
        ))
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
            let what = format_args!("expected archives {DEEPEST} deep at most, found more");
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
            // A thin archive's names are relative to itself.
            let directory = path.and_then(Path::parent).unwrap_or(Path::new(""));
            let path = directory.join(Path::new(OsStr::from_bytes(name)));
            let data = read_file(&path)?;
            self.add(inner, Some(&path), data, depth + 1)?;
        }
        Ok(())
    }

    /// Gives a member of a regular archive a file of its own.
    fn extract(&mut self, data: &[u8]) -> Result<PathBuf> {
        let cannot = |e| Error::io(&"cannot extract from an archive", e);
        let directory = match self.extracted.take() {
            Some(directory) => directory,
            None => tempfile::tempdir().map_err(cannot)?,
        };
        let path = directory.path().join(format!("{}.bc", self.bitcode.len()));
        let written = std::fs::write(&path, data);
        self.extracted = Some(directory);
        written.map_err(cannot)?;
        Ok(path)
    }
}

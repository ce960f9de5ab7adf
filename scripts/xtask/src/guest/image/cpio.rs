// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Writes a cpio archive in the `newc` format, the one the kernel unpacks as its initramfs.
//!
//! The archive is written from a list of entries and not from a directory, so that device nodes and
//! files that belong to root need no privileges. The format is described in the kernel's
//! `Documentation/driver-api/early-userspace/buffer-format.rst`.

use std::io::{self, Write};

const S_IFCHR: u32 = 0o020_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

/// An entry of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory, mode 0755.
    Directory,
    /// A regular file.
    File {
        /// True if everybody may execute the file.
        executable: bool,
        /// Its contents.
        contents: Vec<u8>,
    },
    /// A symbolic link to this target.
    Symlink(String),
    /// A character device, mode 0600.
    CharDevice {
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
}

/// Writes entries and, at the end, the trailer.
pub struct Writer<W> {
    out: W,
    inode: u32,
}

impl<W: Write> Writer<W> {
    /// Starts an archive.
    pub fn new(out: W) -> Self {
        Self { out, inode: 0 }
    }

    /// Adds one entry; `path` has no leading slash, and its directory must have been added before.
    ///
    /// # Errors
    ///
    /// Fails if writing fails, or if a file has 4 GiB or more.
    pub fn add(&mut self, path: &str, node: &Node) -> io::Result<()> {
        self.inode += 1;
        let (mode, contents, device) = match node {
            Node::Directory => (S_IFDIR | 0o755, &[][..], (0, 0)),
            Node::File {
                executable,
                contents,
            } => {
                let permissions = if *executable { 0o755 } else { 0o644 };
                (S_IFREG | permissions, contents.as_slice(), (0, 0))
            }
            Node::Symlink(target) => (S_IFLNK | 0o777, target.as_bytes(), (0, 0)),
            Node::CharDevice { major, minor } => (S_IFCHR | 0o600, &[][..], (*major, *minor)),
        };
        self.entry(path, mode, contents, device)
    }

    /// Writes the trailer and returns the underlying writer.
    ///
    /// # Errors
    ///
    /// Fails if writing fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.inode = 0;
        self.entry("TRAILER!!!", 0, &[], (0, 0))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(
        &mut self,
        path: &str,
        mode: u32,
        contents: &[u8],
        device: (u32, u32),
    ) -> io::Result<()> {
        let size = u32::try_from(contents.len())
            .map_err(|_| io::Error::other(format!("{path}: too large for a cpio archive")))?;
        let name_size = u32::try_from(path.len() + 1)
            .map_err(|_| io::Error::other(format!("{path}: name too long for a cpio archive")))?;
        let fields = [
            self.inode, mode, /* uid */ 0, /* gid */ 0, /* nlink */ 1,
            /* mtime */ 0, size, /* dev major */ 0, /* dev minor */ 0, device.0,
            device.1, name_size, /* check */ 0,
        ];
        self.out.write_all(b"070701")?;
        for field in fields {
            write!(self.out, "{field:08x}")?;
        }
        self.out.write_all(path.as_bytes())?;
        self.out.write_all(b"\0")?;
        // The header has 110 bytes; name and contents are each padded to four.
        self.pad(110 + path.len() + 1)?;
        self.out.write_all(contents)?;
        self.pad(contents.len())
    }

    fn pad(&mut self, written: usize) -> io::Result<()> {
        self.out.write_all(&[0; 3][..written.wrapping_neg() % 4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, Node)]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        for (path, node) in entries {
            writer.add(path, node).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn an_empty_archive_is_its_trailer() {
        let bytes = archive(&[]);
        assert_eq!(bytes.len(), 124);
        assert!(bytes.starts_with(b"07070100000000"));
        assert_eq!(&bytes[110..], b"TRAILER!!!\0\0\0\0");
    }

    #[test]
    fn fields_are_where_the_kernel_reads_them() {
        let bytes = archive(&[("dev/console", Node::CharDevice { major: 5, minor: 1 })]);
        let field = |n: usize| std::str::from_utf8(&bytes[6 + 8 * n..14 + 8 * n]).unwrap();
        assert_eq!(field(1), "00002180");
        assert_eq!((field(9), field(10)), ("00000005", "00000001"));
        assert_eq!(field(11), "0000000c");
    }

    #[test]
    fn every_part_is_padded_to_four_bytes() {
        for length in 0..9 {
            let file = Node::File {
                executable: false,
                contents: vec![b'x'; length],
            };
            for name in ["a", "ab", "abc", "abcd"] {
                assert_eq!(archive(&[(name, file.clone())]).len() % 4, 0);
            }
        }
    }

    #[test]
    fn the_cpio_program_reads_it_back() {
        let bytes = archive(&[
            ("d", Node::Directory),
            (
                "d/file",
                Node::File {
                    executable: true,
                    contents: b"hello".to_vec(),
                },
            ),
            ("d/link", Node::Symlink("file".into())),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive");
        std::fs::write(&path, bytes).unwrap();
        let busybox = std::process::Command::new("busybox")
            .args(["cpio", "-idF"])
            .arg(&path)
            .current_dir(dir.path())
            .status();
        // The machine may have no busybox: the boots then prove the same.
        let Ok(status) = busybox else { return };
        assert!(status.success());
        assert_eq!(std::fs::read(dir.path().join("d/link")).unwrap(), b"hello");
    }
}

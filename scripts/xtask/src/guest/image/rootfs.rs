// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The guest's files by path, before they become an archive.

use super::cpio::{Node, Writer};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Directories that are links, as in every merged-/usr distribution.
const MERGED: [(&str, &str); 4] = [
    ("bin", "usr/bin"),
    ("sbin", "usr/sbin"),
    ("lib", "usr/lib"),
    ("lib64", "usr/lib64"),
];

/// Mount points, and what else must exist before /init runs.
const DIRECTORIES: [&str; 11] = [
    "dev",
    "etc",
    "klp",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib64",
    "usr/sbin",
];

/// The guest's files by path; the same content always gives the same archive.
pub struct RootFs {
    nodes: BTreeMap<String, Node>,
}

impl RootFs {
    /// The directories, links and device nodes that every image has.
    pub fn new() -> Self {
        let mut root = Self {
            nodes: BTreeMap::new(),
        };
        for directory in DIRECTORIES {
            root.add_directory(directory);
        }
        for (link, target) in MERGED {
            root.add_symlink(link, target);
        }
        // The kernel opens it for /init before anything is mounted.
        root.nodes.insert(
            "dev/console".into(),
            Node::CharDevice { major: 5, minor: 1 },
        );
        root
    }

    /// Returns true if there is something at `path`.
    pub fn contains(&self, path: &str) -> bool {
        self.nodes.contains_key(&canonical(path))
    }

    /// Adds a directory with its parents.
    pub fn add_directory(&mut self, path: &str) {
        let path = canonical(path);
        self.add_parents(&path);
        self.nodes.entry(path).or_insert(Node::Directory);
    }

    /// Adds a symbolic link.
    pub fn add_symlink(&mut self, path: &str, target: &str) {
        self.insert(path, Node::Symlink(target.to_owned()));
    }

    /// Adds a file with these contents.
    pub fn add_file(&mut self, path: &str, executable: bool, contents: Vec<u8>) {
        self.insert(
            path,
            Node::File {
                executable,
                contents,
            },
        );
    }

    /// Adds a copy of a file of the host, executable if it is so there.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub fn add_host_file(&mut self, from: &Path, to: &str) -> Result<()> {
        let read = || -> io::Result<(bool, Vec<u8>)> {
            let executable = fs::metadata(from)?.permissions().mode() & 0o111 != 0;
            Ok((executable, fs::read(from)?))
        };
        let (executable, contents) =
            read().with_context(|| format!("cannot read {}", from.display()))?;
        self.add_file(to, executable, contents);
        Ok(())
    }

    /// Adds a copy of a file or of everything below a directory of the host.
    ///
    /// # Errors
    ///
    /// Fails if something there cannot be read.
    pub fn add_host_tree(&mut self, from: &Path, to: &str) -> Result<()> {
        if !from.is_dir() {
            return self.add_host_file(from, to);
        }
        self.add_directory(to);
        let entries =
            fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            self.add_host_tree(&entry.path(), &format!("{to}/{}", name.to_string_lossy()))?;
        }
        Ok(())
    }

    /// Writes the archive to `path`.
    ///
    /// # Errors
    ///
    /// Fails if writing fails.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut writer = Writer::new(BufWriter::new(File::create(path)?));
        // In a sorted map a directory comes before what is in it.
        for (path, node) in &self.nodes {
            writer.add(path, node)?;
        }
        writer.finish()?;
        Ok(())
    }

    fn insert(&mut self, path: &str, node: Node) {
        let path = canonical(path);
        self.add_parents(&path);
        self.nodes.insert(path, node);
    }

    fn add_parents(&mut self, path: &str) {
        for (slash, _) in path.match_indices('/') {
            self.nodes
                .entry(path[..slash].to_owned())
                .or_insert(Node::Directory);
        }
    }
}

/// The path without a leading slash and through no link of [`MERGED`].
fn canonical(path: &str) -> String {
    let path = path.trim_start_matches('/');
    for (link, target) in MERGED {
        if let Some(rest) = path.strip_prefix(link) {
            if rest.starts_with('/') {
                return format!("{target}{rest}");
            }
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_do_not_go_through_links() {
        assert_eq!(canonical("/lib64/ld-linux.so"), "usr/lib64/ld-linux.so");
        assert_eq!(canonical("/bin/sh"), "usr/bin/sh");
        assert_eq!(canonical("/bin"), "bin");
        assert_eq!(canonical("/binary/x"), "binary/x");
    }

    #[test]
    fn parents_come_first() {
        let mut root = RootFs::new();
        root.add_file("/lib/modules/6.12/modules.dep", false, Vec::new());
        let paths: Vec<_> = root.nodes.keys().map(String::as_str).collect();
        for (n, path) in paths.iter().enumerate() {
            if let Some((parent, _)) = path.rsplit_once('/') {
                assert!(paths[..n].contains(&parent), "{path}");
            }
        }
        assert!(root.contains("/usr/lib/modules/6.12"));
    }
}

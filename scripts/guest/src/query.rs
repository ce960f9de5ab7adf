// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Asks the module what a name resolves to.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt, //
};

use anyhow::{
    Context,
    Result, //
};

/// The file in which the module answers.
pub const PATH: &str = "/sys/kernel/debug/klp_sympos/query";

/// An open query file, for any number of questions.
pub struct QueryFile {
    file: File,
}

/// The first line of an answer that found something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The address of the symbol.
    pub address: u64,
    /// Its full name.
    pub name: &'a str,
    /// `POSITION/COUNT`.
    pub position: &'a str,
    /// The object that has it.
    pub object: &'a str,
}

impl QueryFile {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// Fails if the module is not loaded or debugfs not mounted.
    pub fn open() -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(PATH)?;
        Ok(Self { file })
    }

    /// Asks `[objname:]name[,sympos]` and returns the answer.
    ///
    /// # Errors
    ///
    /// Fails if the module refuses the question.
    pub fn ask(&self, question: &str) -> Result<String> {
        // One write is one question.
        self.file
            .write_at(question.as_bytes(), 0)
            .with_context(|| format!("the module refuses the question {question:?}"))?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let length = self.file.read_at(&mut buffer, answer.len() as u64)?;
            if length == 0 {
                break;
            }
            answer.extend_from_slice(&buffer[..length]);
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl<'a> Resolved<'a> {
    /// Takes an answer apart; `None` if nothing was found.
    pub fn parse(answer: &'a str) -> Option<Self> {
        let mut words = answer.lines().next()?.split(' ');
        if words.next()? != "resolved" {
            return None;
        }
        Some(Self {
            address: u64::from_str_radix(words.next()?, 16).ok()?,
            name: words.next()?,
            position: words.next()?,
            object: words.next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolved_answer_is_parsed_and_no_other() {
        let answer = "resolved ffffffff81000000 init_once.llvm.1 2/7 vmlinux\n";
        let resolved = Resolved::parse(answer).unwrap();
        assert_eq!(resolved.address, 0xffff_ffff_8100_0000);
        assert_eq!((resolved.position, resolved.object), ("2/7", "vmlinux"));
        assert_eq!(Resolved::parse("ambiguous 7\n1 0 a\n"), None);
        assert_eq!(Resolved::parse(""), None);
    }
}

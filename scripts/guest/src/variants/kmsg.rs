// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The kernel's log, line by line as it grows.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt, //
};

use anyhow::{
    Context,
    Result, //
};
use klp_gen::printable::shown;
use klp_variants::list::MARK;
use rustix::fs::OFlags;

/// The file; reading and writing it are different things.
const KMSG: &str = "/dev/kmsg";

/// The longest record that a read returns: `PRINTKRB_RECORD_MAX` and what /dev/kmsg puts around it.
const LONGEST: usize = 8192;

/// The line that ends the one before it.
const END: &str = "klp-guest: read to here";

/// The log, from a mark on.
pub struct Log {
    reader: File,
    writer: File,
}

impl Log {
    /// Opens it at its end.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened.
    pub fn open() -> Result<Self> {
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits())?;
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(nonblocking)
            .open(KMSG);
        let writer = OpenOptions::new().write(true).open(KMSG);
        Ok(Self {
            reader: reader.with_context(|| format!("cannot read {KMSG}"))?,
            writer: writer.with_context(|| format!("cannot write {KMSG}"))?,
        })
    }

    /// Writes a line for people, and forgets what came before.
    ///
    /// # Errors
    ///
    /// Fails if the kernel does not take the line.
    pub fn mark(&mut self, text: &str) -> Result<()> {
        self.writer
            .write_all(format!("{MARK}{text}\n").as_bytes())?;
        self.reader.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// The lines since the mark, or since they were read last.
    ///
    /// A text without a line feed at its end may still be continued, and nobody can read it before something else is
    /// logged: `vprintk_store()`. The loader has such texts.
    ///
    /// # Errors
    ///
    /// Fails if some are lost.
    pub fn lines(&mut self) -> Result<Vec<String>> {
        self.writer.write_all(format!("{END}\n").as_bytes())?;
        let mut lines = Vec::new();
        let mut record = vec![0; LONGEST];
        loop {
            match self.reader.read(&mut record) {
                Ok(length) => lines.extend(line(&record[..length])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(lines),
                Err(error) => return Err(error).context("the kernel's log is lost"),
            }
        }
    }
}

/// The line in a record, other than the end.
fn line(record: &[u8]) -> Option<String> {
    // `<prefix>;<text>\n <key>=<value>\n`
    let text = String::from_utf8_lossy(record);
    let text = text.split_once(';').map_or(&*text, |(_, text)| text);
    let line = text.lines().next().map(unescaped);
    line.filter(|line| line != END)
}

/// A line as klp-gen writes it: /dev/kmsg has `\x0a` for what is no printable ASCII character.
fn unescaped(line: &str) -> String {
    let mut bytes = Vec::with_capacity(line.len());
    let mut parts = line.split("\\x");
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    shown(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line() {
        let said = b"6,300,17237273,-;livepatch: enabling patch 'x'\n SUBSYSTEM=livepatch\n";
        assert_eq!(line(said).unwrap(), "livepatch: enabling patch 'x'");
        assert_eq!(
            line(b"3,301,17239063,-;no line feed;\n").unwrap(),
            "no line feed;"
        );
        assert_eq!(line(format!("12,302,17239064,-;{END}\n").as_bytes()), None);
    }

    #[test]
    fn a_line_is_as_klp_gen_writes_it() {
        assert_eq!(unescaped("symbol 'a b'"), "symbol 'a b'");
        assert_eq!(unescaped(r"a\x0ab\x5cc\xc3\xa4"), "a\\nb\\cä");
    }
}

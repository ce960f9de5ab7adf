// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Takes the exit status, which /init reports last, off the guest's output.

/// The character that /init writes in front of its report; no text output contains an ASCII record separator.
const SEPARATOR: char = '\u{1e}';
const REPORT: &str = "klp-sympos: exit status ";

/// Splits the output of a run into what the command printed and whether it succeeded.
///
/// There must be exactly one report, at the end; otherwise the guest died or was confused.
pub fn split(output: &str) -> (String, Result<(), String>) {
    let Some((text, report)) = output.split_once(SEPARATOR) else {
        return (
            output.to_owned(),
            Err("the guest ended without reporting an exit status".to_owned()),
        );
    };
    let status = report
        .strip_prefix(REPORT)
        .and_then(|status| status.trim_end().parse::<u32>().ok());
    let result = match status {
        Some(0) => Ok(()),
        Some(status) => Err(format!("exit status {status}")),
        None => Err(format!("the guest's report is garbled: {report:?}")),
    };
    (text.to_owned(), result)
}

/// Hides the report from output that is shown while it comes.
#[derive(Default)]
pub struct Filter {
    report_began: bool,
}

impl Filter {
    /// The part of `chunk` that belongs to the command's output.
    pub fn visible<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        if self.report_began {
            return &[];
        }
        let end = chunk.iter().position(|byte| char::from(*byte) == SEPARATOR);
        self.report_began = end.is_some();
        &chunk[..end.unwrap_or(chunk.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_split_from_the_output() {
        let (text, result) = split("hello\n\u{1e}klp-sympos: exit status 0\n");
        assert_eq!((text.as_str(), result), ("hello\n", Ok(())));
        let (text, result) = split("no newline\u{1e}klp-sympos: exit status 3\r\n");
        assert_eq!(
            (text.as_str(), result),
            ("no newline", Err("exit status 3".into()))
        );
    }

    #[test]
    fn no_report_or_two_are_a_failure() {
        assert!(split("hello\n").1.is_err());
        let twice = "\u{1e}klp-sympos: exit status 0\n\u{1e}klp-sympos: exit status 0\n";
        assert!(split(twice).1.is_err());
    }

    #[test]
    fn the_filter_stops_at_the_report() {
        let mut filter = Filter::default();
        assert_eq!(filter.visible(b"abc"), b"abc");
        assert_eq!(filter.visible(b"d\x1eklp"), b"d");
        assert_eq!(filter.visible(b"-sympos"), b"");
    }
}

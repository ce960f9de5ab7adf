// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The place in the source of each variable of a bitcode file with debug information, as `llvm-dis` prints it.

use memchr::memmem;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The beginning of the part that a variable is.
const PART: &[u8] = b"expr: !DIExpression(";

/// The place of the declaration of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The file, as the compiler found it.
    pub file: PathBuf,
    /// The number of the line, which begins at 1.
    pub line: usize,
    /// The name in the source, without the function's name.
    pub name: Vec<u8>,
    /// True if the declaration is outside of functions.
    pub is_of_file: bool,
    /// The part of the variable, if LLVM has split it: the words of `DIExpression`.
    pub part: Vec<u8>,
}

/// Returns the declarations of all variables that have one, by the names of the variables in the bitcode.
#[must_use]
pub fn declarations(text: &[u8]) -> HashMap<Vec<u8>, Declaration> {
    let mut nodes: HashMap<&[u8], &[u8]> = HashMap::new();
    let mut variables = Vec::new();
    for line in text.split(|&b| b == b'\n') {
        match line {
            [b'!', digit, ..] if digit.is_ascii_digit() => {
                if let Some(at) = memmem::find(line, b" = ") {
                    nodes.insert(&line[..at], &line[at + 3..]);
                }
            }
            [b'@', ..] => {
                // A variable that is a part of several has several declarations, and is nobody's.
                let mut marks = memmem::find_iter(line, b" !dbg ");
                if let (Some(mark), None) = (marks.next(), marks.next()) {
                    variables.push((name(line), number(&line[mark + b" !dbg ".len()..])));
                }
            }
            _ => (),
        }
    }
    let declaration = |node: &[u8]| {
        let expression = nodes.get(node)?;
        let variable = nodes.get(field(expression, b"var: ")?)?;
        let file = nodes.get(field(variable, b"file: ")?)?;
        let [directory, file] = [b"directory: ", &b"filename: "[..]].map(|name| field(file, name));
        let scope = nodes.get(field(variable, b"scope: ")?)?;
        let part = &expression[memmem::find(expression, PART)? + PART.len()..];
        let end = memchr::memchr(b')', part)?;
        let path = |bytes: Option<&[u8]>| Some(String::from_utf8_lossy(bytes?).into_owned());
        Some(Declaration {
            file: Path::new(&path(directory)?).join(path(file)?),
            line: std::str::from_utf8(field(variable, b"line: ")?)
                .ok()?
                .parse()
                .ok()?,
            name: field(variable, b"name: ")?.to_vec(),
            is_of_file: scope.starts_with(b"distinct !DICompileUnit("),
            part: part.get(..end)?.to_vec(),
        })
    };
    variables
        .into_iter()
        .filter_map(|(name, node)| Some((name.to_vec(), declaration(node)?)))
        .collect()
}

/// Returns the name of the variable that a line defines: `@f.x.1 = internal global i32 0`, or with quotes.
fn name(line: &[u8]) -> &[u8] {
    let end = memmem::find(line, b" = ").unwrap_or(line.len());
    let name = &line[1..end];
    name.strip_prefix(b"\"")
        .and_then(|name| name.strip_suffix(b"\""))
        .unwrap_or(name)
}

/// Returns the number of a node at the beginning of a text: `!12`.
fn number(text: &[u8]) -> &[u8] {
    let end = text.iter().skip(1).position(|b| !b.is_ascii_digit());
    &text[..end.map_or(text.len(), |end| end + 1)]
}

/// Returns the value of a field of a node: the text of a string, or a number.
fn field<'t>(node: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let rest = &node[memmem::find(node, name)? + name.len()..];
    let (rest, end) = match rest {
        [b'"', rest @ ..] => (rest, memchr::memchr(b'"', rest)?),
        rest => (rest, memchr::memchr2(b',', b')', rest)?),
    };
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART_OF_Y: &[u8] = b"DW_OP_LLVM_fragment, 32, 32";

    #[test]
    fn a_variable_has_the_place_of_its_declaration() {
        let text = br#"
@f.x = internal global i32 0, align 4, !dbg !0
@"y-z.1" = internal global i32 0, align 4, !dbg !3, !guid !9
@both = internal global i64 0, !dbg !0, !dbg !3
@.str = private constant [2 x i8] c"a\00"
!llvm.module.flags = !{!8}
!0 = !DIGlobalVariableExpression(var: !1, expr: !DIExpression())
!1 = distinct !DIGlobalVariable(name: "x", scope: !7, file: !2, line: 60, type: !6, isLocal: true, isDefinition: true)
!2 = !DIFile(filename: "fs/a.c", directory: "/build", checksumkind: CSK_MD5, checksum: "0")
!3 = !DIGlobalVariableExpression(var: !4, expr: !DIExpression(DW_OP_LLVM_fragment, 32, 32))
!4 = distinct !DIGlobalVariable(name: "y", scope: !6, file: !5, line: 7, type: !6, isLocal: true, isDefinition: true)
!6 = distinct !DICompileUnit(language: DW_LANG_C11)
!7 = distinct !DISubprogram(name: "f")
!5 = !DIFile(filename: "/source/a.h", directory: "/build")
"#;
        let mut found: Vec<_> = declarations(text).into_iter().collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let declaration = |file: &str, line, name: &str| Declaration {
            file: file.into(),
            line,
            name: name.into(),
            is_of_file: name == "y",
            part: if name == "y" {
                PART_OF_Y.to_vec()
            } else {
                Vec::new()
            },
        };
        let expected = [
            (b"f.x".to_vec(), declaration("/build/fs/a.c", 60, "x")),
            (b"y-z.1".to_vec(), declaration("/source/a.h", 7, "y")),
        ];
        assert_eq!(found, expected);
    }
}

// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The place in the source of each variable of a bitcode file with debug information, as `llvm-dis` prints it.

use memchr::memmem;
use std::collections::{HashMap, HashSet};
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
    /// The type, and the words of `DIExpression`, which say what LLVM has made of the variable: a part of it, or one bit
    /// for two values. With another type, the same words are another part.
    pub form: Vec<u8>,
}

/// The declarations of variables by their names in the bitcode.
pub type Declarations = HashMap<Vec<u8>, Declaration>;

/// The nodes of metadata by their numbers.
type Nodes<'t> = HashMap<&'t [u8], &'t [u8]>;

/// The number of types within types that are compared.
const DEPTH: usize = 8;

/// Returns the declarations of all variables that have one, by the names of the variables in the bitcode.
#[must_use]
pub fn declarations(text: &[u8]) -> Declarations {
    let mut nodes = Nodes::new();
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
        let mut form = part.get(..end)?.to_vec();
        write_type(&nodes, reference(variable, b"type: "), DEPTH, &mut form);
        let path = |bytes: Option<&[u8]>| Some(String::from_utf8_lossy(bytes?).into_owned());
        Some(Declaration {
            file: Path::new(&path(directory)?).join(path(file)?),
            line: std::str::from_utf8(field(variable, b"line: ")?)
                .ok()?
                .parse()
                .ok()?,
            name: field(variable, b"name: ")?.to_vec(),
            is_of_file: scope.starts_with(b"distinct !DICompileUnit("),
            form,
        })
    };
    variables
        .into_iter()
        .filter_map(|(name, node)| Some((name.to_vec(), declaration(node)?)))
        .collect()
}

/// Returns the names of the variables that are one bit.
#[must_use]
pub fn bits(text: &[u8]) -> HashSet<&[u8]> {
    let lines = text.split(|&b| b == b'\n');
    let variables = lines.filter(|line| line.starts_with(b"@"));
    let bits = variables.filter(|line| memmem::find(line, b" global i1 ").is_some());
    bits.map(name).collect()
}

/// Writes what a type is: its name, its size, and its fields with their places.
fn write_type(nodes: &Nodes<'_>, node: Option<&[u8]>, depth: usize, form: &mut Vec<u8>) {
    let Some(text) = node.and_then(|node| nodes.get(node)) else {
        return;
    };
    form.push(b';');
    for name in [&b"tag: "[..], b"name: ", b"size: ", b"offset: ", b"count: "] {
        form.extend_from_slice(field(text, name).unwrap_or_default());
        form.push(b',');
    }
    // All pointers are alike.
    if depth == 0 || field(text, b"tag: ") == Some(b"DW_TAG_pointer_type") {
        return;
    }
    write_type(nodes, reference(text, b"baseType: "), depth - 1, form);
    let elements = reference(text, b"elements: ").and_then(|node| nodes.get(node));
    let mut rest = elements.copied().unwrap_or_default();
    while let Some(at) = memchr::memchr(b'!', rest) {
        rest = &rest[at..];
        let element = number(rest);
        write_type(nodes, Some(element), depth - 1, form);
        rest = &rest[element.len()..];
    }
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

/// Returns the number of the node to which a field refers.
fn reference<'t>(node: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    field(node, name).filter(|value| value.starts_with(b"!"))
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

    const FORM_OF_Y: &[u8] =
        b"DW_OP_LLVM_fragment, 32, 32;DW_TAG_structure_type,s,64,,,;DW_TAG_member,a,32,,,\
        ;DW_TAG_member,b,32,32,,;DW_TAG_base_type,int,32,,,";

    #[test]
    fn a_variable_has_the_place_of_its_declaration() {
        let text = br#"
@f.x = internal global i32 0, align 4, !dbg !0
@"y-z.1" = internal global i32 0, align 4, !dbg !3, !guid !9
@both = internal global i64 0, !dbg !0, !dbg !3
@.str = private constant [2 x i8] c"a\00"
!llvm.module.flags = !{!8}
!0 = !DIGlobalVariableExpression(var: !1, expr: !DIExpression())
!1 = distinct !DIGlobalVariable(name: "x", scope: !7, file: !2, line: 60, type: !12, isLocal: true, isDefinition: true)
!2 = !DIFile(filename: "fs/a.c", directory: "/build", checksumkind: CSK_MD5, checksum: "0")
!3 = !DIGlobalVariableExpression(var: !4, expr: !DIExpression(DW_OP_LLVM_fragment, 32, 32))
!4 = distinct !DIGlobalVariable(name: "y", scope: !6, file: !5, line: 7, type: !10, isLocal: true, isDefinition: true)
!6 = distinct !DICompileUnit(language: DW_LANG_C11)
!7 = distinct !DISubprogram(name: "f")
!10 = distinct !DICompositeType(tag: DW_TAG_structure_type, name: "s", file: !2, line: 1, size: 64, elements: !11)
!11 = !{!12, !13}
!12 = !DIDerivedType(tag: DW_TAG_member, name: "a", scope: !10, file: !2, line: 2, size: 32)
!13 = !DIDerivedType(tag: DW_TAG_member, name: "b", scope: !10, file: !2, line: 2, baseType: !14, size: 32, offset: 32)
!14 = !DIBasicType(tag: DW_TAG_base_type, name: "int", size: 32, encoding: DW_ATE_signed)
!5 = !DIFile(filename: "/source/a.h", directory: "/build")
"#;
        let mut found: Vec<_> = declarations(text).into_iter().collect();
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let declaration = |file: &str, line, name: &str| Declaration {
            file: file.into(),
            line,
            name: name.into(),
            is_of_file: name == "y",
            form: if name == "y" {
                FORM_OF_Y.to_vec()
            } else {
                b";DW_TAG_member,a,32,,,".to_vec()
            },
        };
        let expected = [
            (b"f.x".to_vec(), declaration("/build/fs/a.c", 60, "x")),
            (b"y-z.1".to_vec(), declaration("/source/a.h", 7, "y")),
        ];
        assert_eq!(found, expected);
    }
}

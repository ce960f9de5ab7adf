// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Patterns of names.

/// Returns true if a name is as the pattern says: `*` is any text, `?` any character.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut characters = pattern.chars();
    let Some(first) = characters.next() else {
        return name.is_empty();
    };
    let pattern = characters.as_str();
    if first == '*' {
        let mut ends = name.char_indices().map(|(end, _)| end).chain([name.len()]);
        return ends.any(|end| matches(pattern, &name[end..]));
    }
    let mut characters = name.chars();
    let same = characters
        .next()
        .is_some_and(|character| first == '?' || first == character);
    same && matches(pattern, characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        for (pattern, name) in [
            ("", ""),
            ("*", ""),
            ("a*c", "abbc"),
            ("*held*", "it is held by it"),
            ("a?c", "aéc"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("a", "ab"), ("a?c", "ac"), ("*b", "abc")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}

//! Patterns of `like` in the words of each database. `%` is any text, `_` one character, and `\\` takes what follows for itself.

/// What a pattern is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Piece {
    Any,
    One,
    Letter(char),
}

pub(in crate::store) fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '%' => Piece::Any,
            '_' => Piece::One,
            // At the end it stands for itself.
            '\\' => Piece::Letter(letters.next().unwrap_or('\\')),
            other => Piece::Letter(other),
        });
    }
    pieces
}

/// For `like … escape '!'`.
pub(super) fn like(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for piece in pieces(pattern) {
        match piece {
            Piece::Any => text.push('%'),
            Piece::One => text.push('_'),
            Piece::Letter(letter) => {
                if matches!(letter, '%' | '_' | '!') {
                    text.push('!');
                }
                text.push(letter);
            }
        }
    }
    text
}

/// For SQLite's `glob`.
pub(super) fn glob(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for piece in pieces(pattern) {
        match piece {
            Piece::Any => text.push('*'),
            Piece::One => text.push('?'),
            Piece::Letter(letter @ ('*' | '?' | '[')) => text.extend(['[', letter, ']']),
            Piece::Letter(letter) => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_same_to_both() {
        for (pattern, in_like, in_glob) in [
            ("ch_%", "ch_%", "ch?*"),
            (r"50\%\_\\", r"50!%!_\", r"50%_\"),
            ("a*b?[c]!", "a*b?[c]!!", "a[*]b[?][[]c]!"),
            ("\\", "\\", "\\"),
            ("", "", ""),
        ] {
            assert_eq!((like(pattern).as_str(), glob(pattern).as_str()), (in_like, in_glob), "{pattern}");
        }
    }
}

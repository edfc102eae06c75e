//! The one fold of userName (R18).

use caseless::Caseless as _;
use unicode_normalization::UnicodeNormalization as _;

/// Folds a name for comparison: NFKC, full case fold, NFKC again, trimmed.
///
/// Two userNames are the same user exactly when their folds are equal; the fold is stored beside the value and used for
/// uniqueness, filters and joins alike (R18). SQL `lower()` differs between engines and is never used.
pub fn fold(value: &str) -> String {
    // ASCII is its own NFKC and folds to its lower case.
    if value.is_ascii() {
        return value.trim().to_ascii_lowercase();
    }
    folded(value)
}

fn folded(value: &str) -> String {
    // Folding can leave NFKC (U+0345 for one), so it is normalized again.
    let folded: String = value.nfkc().default_case_fold().nfkc().collect();
    folded.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{fold, folded};

    proptest! {
        #[test]
        fn r18_ascii_folds_as_everything_does(text in "[\\x00-\\x7f]{0,40}") {
            prop_assert_eq!(fold(&text), folded(&text));
        }
    }

    #[test]
    fn r18_case_width_and_outer_space_do_not_distinguish() {
        for same in ["a@x", "A@x", "A@X ", "\u{ff41}@x", " a@x"] {
            assert_eq!(fold(same), "a@x", "{same:?}");
        }
    }

    #[test]
    fn r18_sharp_s_and_turkish_i_fold_without_a_locale() {
        assert_eq!(fold("STRASSE"), fold("straße"));
        assert_ne!(fold("I"), fold("ı"));
        assert_eq!(fold("İ"), "i\u{307}");
    }

    #[test]
    fn r18_folding_twice_is_folding_once() {
        for text in ["İstanbul", "ﬁ", "\u{345}", "Ǆ", "ᾳ"] {
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }
}

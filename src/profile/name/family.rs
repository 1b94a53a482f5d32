//! Where the family name begins in a name of several words.

use super::iberian::{DEVOTIONS, FAMILY, GIVEN, MARIAS};
use super::words::{
    FATHERS, LINKS, PARTICLES, PARTICLES_IN_LOWER_CASE, PATRONYMIC, SERVANT, SHORT, VIETNAMESE,
};

/// The first name and the family name where the writing itself shows which is which: `DUPONT Jean`,
/// `María GARCÍA LÓPEZ`, `Толстой Лев Николаевич`.
pub(super) fn shown<'n>(words: &[&'n str]) -> Option<(&'n str, String)> {
    if let [family, given, father] = words
        && is_fathers(father)
        && !is_fathers(given)
    {
        return Some((given, (*family).to_owned()));
    }
    by_capitals(words)
}

/// Where the family name begins, in three words or more.
pub(super) fn family_from(words: &[&str]) -> usize {
    let last = words.len() - 1;
    if let Some(link) = (2..last).find(|at| is_link(words, *at)) {
        return with_particles(words, link - 1);
    }
    let from = past_devotion(words);
    let particles = || (from..last).filter(|at| is_particle(words[*at]) && !is_vietnamese(words, *at));
    if let Some(first) = particles().next() {
        let is_patronymic = particles().any(|at| PATRONYMIC.has_in_any_case(words[at]));
        let at = if is_patronymic { particles().next_back().unwrap_or(first) } else { first };
        // `Abd al-Majid al-Tikriti`: the article of the last word is a part of it.
        if is_patronymic
            && at + 1 < last
            && words[last].to_lowercase().starts_with(['a', 'e'])
            && words[last].as_bytes()[1..].starts_with(b"l-")
        {
            return last;
        }
        let from = with_particles(words, at);
        return if from > 1 && FAMILY.has(words[from - 1]) { from - 1 } else { from };
    }
    let are_two = FAMILY.has(words[last - 1]) && (FAMILY.has(words[last]) || GIVEN.has(words[0]));
    if are_two && last >= 2 { last - 1 } else { last }
}

/// How many words the given name has: `Abdul` is none without the next word.
pub(super) fn given_words(words: &[&str]) -> usize {
    if SERVANT.has(words[0]) || words[0] == "عبد" { 2 } else { 1 }
}

/// Whether a word of Arabic writing is a name only together with the next one, so that two words
/// are one name.
pub(super) fn is_servant_alone(word: &str) -> bool {
    word == "عبد"
}

/// Whether the words before a comma begin as a family name does.
pub(super) fn begins_with_particle(family: &str) -> bool {
    is_particle(family.split(' ').next().unwrap_or_default())
}

fn is_particle(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    PARTICLES.has_in_any_case(word) || PARTICLES_IN_LOWER_CASE.has_exactly(word)
}

/// Whether an `y` stands between two family names: in lower case, or all is in capitals.
fn is_link(words: &[&str], at: usize) -> bool {
    let is_capital = || words.iter().all(|word| !word.contains(char::is_lowercase));
    LINKS.has_exactly(words[at]) || (LINKS.has(words[at]) && !words[at].contains('.') && is_capital())
}

/// Goes back over the particles before a place.
fn with_particles(words: &[&str], mut from: usize) -> usize {
    while from > 1 && is_particle(words[from - 1]) {
        from -= 1;
    }
    from
}

/// Where to look for particles: behind `del Carmen` of a `María` who has a family name as well.
fn past_devotion(words: &[&str]) -> usize {
    let run = words[1..].iter().take_while(|word| is_particle(word)).count();
    let devotion = words.get(1 + run).filter(|_| run > 0 && words.len() > run + 2);
    if MARIAS.has(words[0]) && devotion.is_some_and(|word| DEVOTIONS.has(word)) { run + 2 } else { 1 }
}

fn is_vietnamese(words: &[&str], at: usize) -> bool {
    at == 1 && VIETNAMESE.has(words[0]) && matches!(words[1], "Van" | "Thi" | "VAN" | "THI")
}

fn is_fathers(word: &str) -> bool {
    !word.is_ascii() && FATHERS.words().any(|ending| word.to_lowercase().ends_with(ending))
}

/// The first name and the family name where only one of them is in capitals.
fn by_capitals<'n>(words: &[&'n str]) -> Option<(&'n str, String)> {
    let is_family = |word: &&str| is_capital(word) || is_lower_particle(word);
    let head = words.iter().take_while(|word| is_family(word)).count();
    if words[..head].iter().any(|word| is_capital(word) && is_long(word)) && is_capital(words[head - 1]) {
        let first = words.get(head).filter(|word| begins_with_capital(word))?;
        let is_rest_mixed = !words[head..].iter().any(|word| is_capital(word) && is_long(word));
        return is_rest_mixed.then(|| (*first, words[..head].join(" ")));
    }
    let tail = words.iter().rev().take_while(|word| is_capital(word)).count();
    let is_shown =
        tail > 1 && tail < words.len() && words[words.len() - tail..].iter().any(|word| is_long(word));
    let from = with_particles(words, words.len() - tail);
    is_shown.then(|| (words[0], words[from..].join(" ")))
}

/// Two letters or more, all of them capitals, and no dot.
fn is_capital(word: &str) -> bool {
    if word.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return false;
    }
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters > 1 && word.chars().all(|c| c.is_uppercase() || matches!(c, '-' | '\'' | '\u{2019}'))
}

/// Whether a word in capitals is a name and no initials.
fn is_long(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).count() > 2 || SHORT.has(word)
}

fn is_lower_particle(word: &str) -> bool {
    !word.contains(char::is_uppercase) && is_particle(word)
}

fn begins_with_capital(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(full: &str) -> String {
        let words: Vec<&str> = full.split(' ').collect();
        words[family_from(&words)..].join(" ")
    }

    #[test]
    fn a_particle_begins_the_family_name_and_of_ancestors_the_last() {
        assert_eq!(family("Ludwig van der Rohe"), "van der Rohe");
        assert_eq!(family("Annette von Droste zu Hülshoff"), "von Droste zu Hülshoff");
        assert_eq!(family("Osama bin Awad bin Laden"), "bin Laden");
        assert_eq!(family("Mohamed Ould Abdel Aziz"), "Ould Abdel Aziz");
        assert_eq!(family("Nguyen Van An"), "An");
    }

    #[test]
    fn two_family_names_stay_together_and_a_devotion_is_none() {
        assert_eq!(family("Federico García Lorca"), "García Lorca");
        assert_eq!(family("Mary Garcia Smith"), "Smith");
        assert_eq!(family("María del Carmen García López"), "García López");
        assert_eq!(family("Diego de Silva y Velázquez"), "de Silva y Velázquez");
        assert_eq!(family("Pedro Calderón de la Barca"), "Calderón de la Barca");
    }

    #[test]
    fn capitals_and_patronymics_show_the_family_name() {
        let shown = |full: &str| {
            let words: Vec<&str> = full.split(' ').collect();
            shown(&words).map(|(first, last)| format!("{first}/{last}"))
        };
        assert_eq!(shown("DUPONT Jean").as_deref(), Some("Jean/DUPONT"));
        assert_eq!(shown("VAN GOGH Vincent").as_deref(), Some("Vincent/VAN GOGH"));
        assert_eq!(shown("María GARCÍA LÓPEZ").as_deref(), Some("María/GARCÍA LÓPEZ"));
        assert_eq!(shown("Толстой Лев Николаевич").as_deref(), Some("Лев/Толстой"));
        for none in ["TJ Miller", "JOHN SMITH", "Jean DUPONT", "MARIA da Silva", "Лев Николаевич Толстой"]
        {
            assert_eq!(shown(none), None, "{none}");
        }
    }
}

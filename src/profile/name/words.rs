//! The words that decide how a name is split. In lower case without accents and dots, as
//! [`Table::has`] looks them up, unless a table says otherwise.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::clean::folded;

/// The longest word that is looked up, in bytes.
const MAX_WORD: usize = 48;

/// A set of words. Most words that are looked up are in none, and are turned away by their first
/// letter and length.
pub(super) struct Table {
    words: HashSet<&'static str>,
    /// For each first byte, without its case, which lengths there are.
    lengths: [u64; 32],
}

impl Table {
    pub(super) fn of(words: &'static str) -> Self {
        Self::from_words(words.split_whitespace())
    }

    fn from_words(words: impl Iterator<Item = &'static str>) -> Self {
        let words: HashSet<_> = words.collect();
        let mut lengths = [0; 32];
        for word in words.iter().filter(|word| word.len() < 64) {
            lengths[usize::from(word.as_bytes()[0] & 31)] |= 1 << word.len();
        }
        Self { words, lengths }
    }

    /// Whether the word stands in it; dots, case and accents do not count.
    pub(super) fn has(&self, word: &str) -> bool {
        if word.len() > MAX_WORD {
            return false;
        }
        if !word.is_ascii() {
            return self.words.contains(folded(&word.replace('.', "")).as_str());
        }
        if !word.contains('.') {
            return self.has_in_any_case(word);
        }
        self.has_in_any_case(&word.replace('.', ""))
    }

    /// Whether the word stands in it; only case does not count.
    pub(super) fn has_in_any_case(&self, word: &str) -> bool {
        if !word.is_ascii() {
            return self.words.contains(word.to_lowercase().as_str());
        }
        if !self.may_have(word) {
            return false;
        }
        let mut lower = [0; MAX_WORD];
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).is_ok_and(|lower| self.words.contains(lower))
    }

    /// Every word of it.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> {
        self.words.iter().copied()
    }

    /// Whether exactly this stands in it.
    pub(super) fn has_exactly(&self, word: &str) -> bool {
        self.may_have(word) && self.words.contains(word)
    }

    fn may_have(&self, word: &str) -> bool {
        let first = word.as_bytes().first();
        first.is_some_and(|first| {
            word.len() >= 64 || self.lengths[usize::from(first & 31)] & (1 << word.len()) != 0
        })
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $words:literal;)*) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Table> = LazyLock::new(|| Table::of($words));)*
    };
}

tables! {
    /// Before a name: forms of address and degrees.
    TITLES = "mr mrs ms miss mx sir dame lady lord dr dra prof professor doctor rev reverend rabbi imam
        sheikh capt captain colonel general sgt major president senator congressman congresswoman
        ambassador herr frau dipl dipl-ing univ-prof dipling med dent drmed profdr hc habil hab mult mme mlle madame
        monsieur mademoiselle maitre sra srta senor senora senorita dona dna signor signora sigra dott
        dottssa profssa avv dhr mevr mevrouw fru froken herra rouva mudr judr rndr phdr mvdr paeddr
        pan pani sayın bapak bpk ibu dato dato' datuk datin encik puan haji hajah hj shri smt shrimati
        kumari sushri messrs";
    /// Those that stand before a family name, so that a single word behind them is one.
    POLITE = "mr mrs ms miss mx dr dra prof professor doctor herr frau mme mlle madame monsieur
        mademoiselle sr sra srta senor senora senorita signor signora sigra dott dottssa dhr mevr mevrouw
        fru hr lord lady";
    /// Titles only where a dot says so: without it they are names.
    TITLES_WITH_DOT = "adm arch arq bc brig cdr cmdr col cpl doc drs fr gen gov h hon hr ing inz ir kom
        lic lt mag maj mgr mtra mtro mw pres pvt rep sen sig sr st univ";
    /// Titles in other writing, as they are written.
    TITLES_ELSEWHERE = "господин госпожа г-н г-н. г-жа г-жа. д-р д-р. проф. доц. пан пані κ. κος κα Δρ.
        د. أ.د. م. أ. السيد السيدة الدكتور الدكتورة الشيخ الأستاذ الأستاذة المهندس دکتر مهندس آقای خانم جناب
        מר גב' גב׳ ד\"ר ד״ר פרופ' פרופ׳ הרב श्री श्री. श्रीमती सुश्री कुमारी डॉ डॉ. শ্রী শ্রীমতী জনাব ডা. คุณ นาย นาง
        นางสาว น.ส. ດຣ. Ông Bà";
    /// Between the titles of a couple.
    AND = "and & und et y e i og och en";
    /// Behind a name: generations, degrees, orders and posts.
    SUFFIXES = "jr jnr junior sr snr senior ii iii iv vi vii viii 2nd 3rd 4th fils phd dphil md dds dvm do
        jd esq esquire mba cpa rn msc bsc llm llb obe mbe cbe kbe dbe pe pmp cissp dr prof ret mdphd meng
        beng edd psyd qc kc mp ma ba bed med bsn msn lcsw lpc cfa cfp pharmd frcs mrcp faap facs ccna aprn
        fnp dnp frs csc drsc dis dipl dipl-ing mag mts dpm ceo cto cfo coo cmo cio phr shrm ph d";
    /// Of the above, those that are names or words as well: they count only behind a comma.
    SUFFIXES_BEHIND_A_COMMA = "do dr prof ma ba bed med mp pe ret qc kc rn dis dipl mag ph d ceo cto cfo coo
        cmo cio";
    /// Between names: what follows them is the family name, and so are they. With their accents:
    /// `Văn` is a Vietnamese name and `van` is a particle.
    PARTICLES = "van von vom vander vanden der de del della dello delle degli dei di da das dos du la le les
        al el bin binti bint ibn ben abu abi abd abdul abdel ould wuld af av zu zum zur dal dalla 't ’t st
        saint ap ab ferch mac mc ó ní nic uí wa a/l a/p s/o d/o بن ابن بنت ابو أبو آل عبد בן בר בת ณ";
    /// Particles only in lower case: with a capital they are names.
    PARTICLES_IN_LOWER_CASE = "bar d den des do in las li lo los o op te ten ter tot und";
    /// Particles of Arabic names: each begins another ancestor, and the last one the family.
    PATRONYMIC = "al el bin binti bint ibn abu abi abd abdul abdel ould wuld بن ابن بنت ابو أبو آل عبد";
    /// Arabic words that are a name only together with the next one.
    SERVANT = "abd abdul abdel abdol abdoul";
    /// Between two family names, in lower case.
    LINKS = "y e i";
    /// Vietnamese family names: behind them `Van` is a given name.
    VIETNAMESE = "nguyen tran pham huynh hoang phan vu vo dang bui do ho ngo duong ly le truong dinh lam mai
        trinh luong";
    /// Family names of two letters, which are no initials.
    SHORT = "ng li wu xu he hu ma yu lu su du gu ho le do vo ha ko oh an ye";
    /// What stands where a name should and is none, word by word.
    PLACEHOLDERS = "undefined null none nil nan n/a na unknown anonymous nobody noname noreply no-reply
        object [object object] #n/a firstname lastname fullname tbd tba unbekannt anonym inconnu inconnue
        anonyme desconocido desconocida anonimo sconosciuto desconhecido onbekend okand ukjent tuntematon
        nieznany nieznana";
    /// Endings of Russian and Ukrainian patronymics.
    FATHERS = "ович евич ьевич ильич овна евна ична івна ївна йович";
    /// What makes a company of the last word of a name, without dots.
    LEGAL = "inc llc llp ltd limited gmbh ggmbh corp corporation incorporated sarl srl bhd ltda lda pty pte";
    /// The same, only as it is written here, without dots.
    LEGAL_EXACTLY = "PLC plc SA SAS SL SpA BV NV AG KG OHG UG AB ApS Oy Oyj KK eV";
    /// What makes a company of a name in another writing, wherever it stands.
    LEGAL_ELSEWHERE = "株式会社 有限会社 合同会社 有限公司 股份公司 주식회사 유한회사";
    /// The same, as its first word.
    LEGAL_FIRST = "ООО ОАО ЗАО ПАО АО ТОВ";
}

/// What stands where a name should and is none, as a whole: in lower case, without what is no
/// letter at its ends. Accounts for tests or of a role (`Test User`, `Admin`) are names.
pub(super) static NO_NAMES: LazyLock<Table> = LazyLock::new(|| Table::from_words(PHRASES.iter().copied()));

const PHRASES: &[&str] = &[
    "unknown user",
    "anonymous user",
    "deleted user",
    "deactivated user",
    "no name",
    "email protected",
    "no reply",
    "not provided",
    "not available",
    "not applicable",
    "not set",
    "not specified",
    "not given",
    "first last",
    "first name",
    "last name",
    "first name last name",
    "your name",
    "full name",
    "name",
    "display name",
    "keine angabe",
    "nicht angegeben",
    "sin nombre",
    "sem nome",
    "senza nome",
    "sans nom",
    "non renseigné",
    "неизвестно",
    "неизвестный",
    "без имени",
    "匿名",
    "不明",
    "未知",
    "未設定",
    "未设置",
    "名無し",
    "名前",
    "없음",
    "익명",
    "알 수 없음",
    "이름",
    "غير معروف",
    "לא ידוע",
];

/// Behind a name in the East, without a space: `様`, `先生`.
pub(super) const HONORIFICS: &[&str] =
    &["先生", "女士", "小姐", "太太", "老师", "老師", "さん", "さま", "様", "ちゃん", "くん", "님", "씨"];

/// Before a Thai name, without a space, the longest first.
pub(super) const THAI_TITLES: &[&str] = &["นางสาว", "น.ส.", "นาย", "นาง", "คุณ"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_whatever_its_dots_case_and_accents() {
        for title in ["Dr", "dr.", "DR.", "Dott.ssa", "Señora", "DIPL.-ING."] {
            assert!(TITLES.has(title), "{title}");
        }
        assert!(!TITLES.has("") && !TITLES.has("Drake") && !TITLES.has(&"dr".repeat(40)));
    }

    #[test]
    fn what_counts_behind_a_comma_only_is_a_suffix_at_all() {
        for word in SUFFIXES_BEHIND_A_COMMA.words() {
            assert!(SUFFIXES.has_exactly(word), "{word}");
        }
        for word in PATRONYMIC.words() {
            assert!(PARTICLES.has_exactly(word), "{word}");
        }
    }

    #[test]
    fn whole_phrases_are_written_as_they_are_looked_up() {
        for phrase in PHRASES {
            assert_eq!(*phrase, phrase.to_lowercase());
        }
    }
}

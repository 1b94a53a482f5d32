//! Names in Chinese, Japanese and Korean writing: the family name comes first, and often nothing
//! stands between the two.

use super::words::{HONORIFICS, THAI_TITLES};

/// What stands between the words of a foreign name in Eastern writing.
pub(super) const MIDDLE_DOTS: &[char] = &['\u{B7}', '\u{2027}', '\u{30FB}', '\u{FF65}'];

/// Chinese family names of two characters.
const CHINESE_DOUBLE: &[&str] = &[
    "欧阳", "歐陽", "司马", "司馬", "诸葛", "諸葛", "上官", "司徒", "东方", "東方", "独孤", "獨孤", "南宫",
    "南宮", "夏侯", "皇甫", "尉迟", "尉遲", "公孙", "公孫", "慕容", "令狐", "长孙", "長孫", "宇文", "端木",
    "百里", "呼延", "东郭", "東郭", "轩辕", "軒轅", "公羊", "澹台", "澹臺", "西门", "西門", "太史", "钟离",
    "鍾離", "闻人", "聞人",
];

/// Korean family names of two syllables.
const KOREAN_DOUBLE: &[&str] =
    &["남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방", "망절", "어금"];

/// Japanese family names of three characters.
const JAPANESE_TRIPLE: &[&str] = &[
    "佐々木",
    "五十嵐",
    "長谷川",
    "久保田",
    "大久保",
    "小野寺",
    "佐久間",
    "宇佐美",
    "小笠原",
    "小早川",
    "日比野",
    "波多野",
    "長谷部",
    "海老原",
    "曽我部",
    "東海林",
    "喜多川",
    "大河内",
    "阿久津",
    "小宮山",
    "勅使河原",
    "五百旗頭",
    "長曽我部",
];

/// Japanese family names of two characters, to know a name of three as Japanese.
const JAPANESE_DOUBLE: &[&str] = &[
    "佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "渡邊", "山本", "中村", "小林", "加藤", "吉田", "山田",
    "斎藤", "齋藤", "斉藤", "松本", "井上", "木村", "清水", "山崎", "池田", "橋本", "阿部", "石川", "山口",
    "中島", "前田", "藤田", "後藤", "小川", "岡田", "村上", "長野", "近藤", "石井", "坂本", "遠藤", "青木",
    "藤井", "西村", "福田", "太田", "三浦", "藤原", "岡本", "松田", "中川", "中野", "原田", "小野", "田村",
    "竹内", "金子", "和田", "中山", "石田", "上田", "森田", "柴田", "酒井", "工藤", "横山", "宮崎", "宮本",
    "内田", "高木", "安藤", "谷口", "大野", "丸山", "今井", "高田", "藤本", "武田", "村田", "上野", "杉山",
    "増田", "平野", "大塚", "千葉", "久保", "松井", "小島", "岩崎", "桜井", "櫻井", "野口", "松尾", "野村",
    "木下", "菊地", "菊池", "佐野", "大西", "杉本", "新井", "浜田", "市川", "古川", "水野", "小松", "島田",
    "吉川", "山下", "長田", "西田", "北村", "川口", "本田", "安田", "東野", "村山", "中田", "川崎", "飯田",
    "宮田", "黒田", "黒澤", "宮﨑", "髙橋", "髙木", "山﨑", "浜崎", "濱田", "渡邉", "渡部", "渡瀬", "斉木",
    "大谷", "大島", "大川", "大石", "大橋", "大森", "大久", "大竹", "大山", "小池", "小田", "小山", "小泉",
    "小沢", "小澤", "小室", "小栗", "小倉", "吉村", "吉岡", "吉野", "吉本", "中谷", "中西", "中井", "中沢",
    "中尾", "長尾", "永井", "永田", "永野", "松岡", "松村", "松下", "松山", "松永", "松浦", "高野", "高山",
    "高島", "高井", "高畑", "広瀬", "広田", "福島", "福井", "福山", "福原", "内藤", "岩田", "岩本", "石原",
    "石橋", "石黒", "石塚", "川上", "川村", "川島", "川田", "河野", "河合", "河村", "早川", "西川", "西山",
    "西野", "西尾", "東山", "北川", "北野", "南野", "平田", "平井", "平山", "平松", "星野", "桑田", "桑原",
    "桜庭", "荒井", "荒木", "荒川", "新垣", "新田", "関口", "関根", "熊谷", "秋山", "秋元", "春日", "夏目",
    "稲垣", "稲葉", "柳田", "柳沢", "植田", "植村", "杉田", "杉原", "樋口", "浅野", "浅田", "村井", "村瀬",
    "望月", "片山", "片岡", "堀内", "堀江", "本間", "本多", "須藤", "菅原", "菅野", "尾崎", "岸本", "岸田",
    "奥村", "奥田", "久野", "土屋", "土井", "天野", "栗原", "栗山", "白石", "白井", "鶴田", "亀田", "安倍",
    "安部", "安井", "黒木", "黒川", "津田", "飯島", "飯塚", "織田", "豊田", "本庄", "羽生", "錦織", "指原",
    "渋谷", "澤田", "沢田", "宇野", "宇田", "入江", "三宅", "三上", "二宮", "五味", "八木", "千田", "百田",
];

/// Which writing a word is in, as far as the order of names depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Han,
    Hiragana,
    Katakana,
    Hangul,
    Other,
}

/// The writing of a whole word; Han wins where kana stands beside it.
pub(super) fn script_of(word: &str) -> Script {
    let mut script = None;
    for c in word.chars() {
        let own = match c {
            '\u{2E80}'..='\u{2FDF}'
            | '々'
            | '〆'
            | '\u{3400}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}' => Script::Han,
            '\u{3041}'..='\u{309F}' => Script::Hiragana,
            'ー' | '\u{30A0}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' => Script::Katakana,
            '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}' => Script::Hangul,
            _ => return Script::Other,
        };
        script = match (script, own) {
            (None, own) => Some(own),
            (Some(before), own) if before == own => Some(own),
            (Some(Script::Han), _) | (_, Script::Han) => Some(Script::Han),
            (Some(Script::Hiragana | Script::Katakana), Script::Hiragana | Script::Katakana) => {
                Some(Script::Hiragana)
            }
            _ => return Script::Other,
        };
    }
    script.unwrap_or(Script::Other)
}

/// What stands between the parts of an Eastern name.
pub(super) enum Joint {
    /// Nothing, and the family name comes first.
    FamilyFirst,
    /// A middle dot: a foreign name keeps its order.
    Dot,
}

/// How the parts of a name in this writing are joined; none if there is nothing to know.
pub(super) fn joint(first: &str, last: &str) -> Option<Joint> {
    let length = last.chars().count();
    match (script_of(last), script_of(first)) {
        _ if first.is_empty() || last.is_empty() => None,
        (Script::Han, Script::Han) if length > 2 && !JAPANESE_TRIPLE.contains(&last) => Some(Joint::Dot),
        (Script::Hangul, Script::Hangul) if length > 2 => None,
        (Script::Han, Script::Han | Script::Hiragana | Script::Katakana)
        | (Script::Hiragana, Script::Han | Script::Hiragana)
        | (Script::Hangul, Script::Hangul) => Some(Joint::FamilyFirst),
        _ => None,
    }
}

/// Whether words are parted by middle dots; between Latin letters (`Marcel·lí`) they are spelling.
pub(super) fn has_middle_dots(name: &str) -> bool {
    !name.is_ascii()
        && name.contains(MIDDLE_DOTS)
        && (name.contains(is_eastern) || !name.contains(|c: char| c.is_ascii_alphabetic()))
}

/// Takes away the titles that are written to a name: `様`, `先生`, `นาย`.
pub(super) fn without_titles(words: &mut Vec<&str>) {
    if words.iter().all(|word| word.is_ascii()) {
        return;
    }
    if words.len() > 1
        && let Some(bare) = THAI_TITLES.iter().find_map(|title| words[0].strip_prefix(title))
        && bare.chars().count() > 2
    {
        words[0] = bare;
    }
    if let Some(last) = words.pop() {
        let bare = HONORIFICS.iter().find_map(|title| last.strip_suffix(title)).unwrap_or(last);
        words.extend((!bare.is_empty() || words.is_empty()).then_some(if bare.is_empty() {
            last
        } else {
            bare
        }));
    }
}

/// The words to read where a name is written twice, or has a Western given name beside it: two
/// Latin words, or else the Eastern ones.
pub(super) fn of_one_script<'w, 'n>(words: &'w [&'n str], into: &'w mut Vec<&'n str>) -> &'w [&'n str] {
    if words.iter().all(|word| word.is_ascii()) {
        return words;
    }
    let is_latin = |word: &&&str| word.contains(|c: char| c.is_ascii_alphabetic());
    let latin = words.iter().filter(is_latin).count();
    let eastern = || words.iter().filter(|word| script_of(word) != Script::Other);
    let letters: usize = eastern().map(|word| word.chars().count()).sum();
    if latin == 0 || letters == 0 {
        return words;
    }
    match latin {
        1 if letters > 1 && latin + eastern().count() == words.len() => into.extend(eastern()),
        // One letter is the family name.
        1 if words.len() == 2 => into.extend(words.iter().filter(is_latin).chain(eastern())),
        1 => return words,
        _ => into.extend(words.iter().filter(is_latin)),
    }
    into
}

/// Given and family name where a space stands behind every letter: `김 민 수`.
pub(super) fn spelt_out<'n>(words: &[&'n str]) -> Option<(String, &'n str)> {
    let is_letter = |word: &&str| script_of(word) != Script::Other && word.chars().count() == 1;
    words.iter().all(is_letter).then(|| (words[1..].concat(), words[0]))
}

/// Given and family name of a word without spaces; the family name is empty where none is seen.
pub(super) fn split_word(word: &str) -> (&str, &str) {
    let length = word.chars().count();
    let family = match script_of(word) {
        Script::Han => han_family(word, length),
        Script::Hangul if (2..=5).contains(&length) => {
            1 + usize::from(length >= 3 && starts_with_any(word, KOREAN_DOUBLE))
        }
        _ => 0,
    };
    let at = word.char_indices().nth(family).map_or(word.len(), |(at, _)| at);
    (&word[at..], &word[..at])
}

/// Given and family name of two words, unless they are in no such writing.
pub(super) fn split_pair<'n>(one: &'n str, other: &'n str) -> Option<(&'n str, &'n str)> {
    match (script_of(one), script_of(other)) {
        (Script::Other, _) | (_, Script::Other) => None,
        // Foreign names are written in katakana, and keep their order.
        (Script::Katakana, Script::Katakana) => Some((one, other)),
        (Script::Hangul, Script::Hangul) if is_given_name_first(one, other) => Some((one, other)),
        _ => Some((other, one)),
    }
}

/// A Korean family name has one syllable, or is one of the few that have two.
fn is_given_name_first(one: &str, other: &str) -> bool {
    let is_short = |word: &str| word.chars().count() == 1;
    let is_double = KOREAN_DOUBLE.contains(&one);
    !is_short(one) && !is_double || is_double && is_short(other) && one.chars().count() > 2
}

/// How many characters the family name has.
fn han_family(word: &str, length: usize) -> usize {
    if JAPANESE_DOUBLE.contains(&word) || JAPANESE_TRIPLE.contains(&word) {
        // A family name alone.
        return 0;
    }
    if length < 2 || word.chars().any(|c| matches!(c, '\u{3041}'..='\u{30FF}')) {
        // A mixed word: the kanji before the kana are the family name, if there are two or more.
        let kanji = word.chars().take_while(|c| !matches!(c, '\u{3041}'..='\u{30FF}')).count();
        return if length >= 2 && (2..length).contains(&kanji) { kanji } else { 0 };
    }
    let double = starts_with_any(word, CHINESE_DOUBLE) || starts_with_any(word, JAPANESE_DOUBLE);
    let triple = JAPANESE_TRIPLE.iter().find(|name| word.starts_with(**name));
    match length {
        3 if double => 2,
        2 | 3 => 1,
        4..=7 if triple.is_some() => triple.map_or(0, |name| name.chars().count()),
        4 | 5 => 2,
        6 if double => 2,
        _ => 0,
    }
}

fn is_eastern(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FA}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}')
}

fn starts_with_any(word: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_split_behind_the_family_name() {
        assert_eq!(split_word("張偉"), ("偉", "張"));
        assert_eq!(split_word("司馬光"), ("光", "司馬"));
        assert_eq!(split_word("田中実"), ("実", "田中"));
        assert_eq!(split_word("長谷川潤"), ("潤", "長谷川"));
        assert_eq!(split_word("황보관"), ("관", "황보"));
        assert_eq!(split_word("高橋みなみ"), ("みなみ", "高橋"));
        assert_eq!(split_word("Bob"), ("Bob", ""));
    }

    #[test]
    fn two_words_are_turned_unless_they_are_foreign() {
        assert_eq!(split_pair("高橋", "健"), Some(("健", "高橋")));
        assert_eq!(split_pair("ジョン", "スミス"), Some(("ジョン", "スミス")));
        assert_eq!(split_pair("김", "민준"), Some(("민준", "김")));
        assert_eq!(split_pair("민준", "김"), Some(("민준", "김")));
        assert_eq!(split_pair("John", "김"), None);
    }
}

//! The default wordings, one per language, in plain words and within one SMS as far as the
//! language allows. `{link}` stands last, so that nothing is taken for a part of it.

/// Language tag and wording, sorted by tag.
const WORDINGS: &[(&str, &str)] = &[
    ("ar", "يرجى تسجيل الدخول إلى {tenant} لنتمكن من مساعدتك: {link}"),
    ("bg", "Моля, влезте в {tenant}, за да можем да Ви помогнем: {link}"),
    ("ca", "Inicia la sessió a {tenant} perquè et puguem ajudar: {link}"),
    ("cs", "Přihlaste se prosím k {tenant}, abychom vám mohli pomoci: {link}"),
    ("da", "Log ind hos {tenant}, så vi kan hjælpe dig: {link}"),
    ("de", "Bitte melden Sie sich bei {tenant} an, damit wir Ihnen helfen können: {link}"),
    ("el", "Συνδεθείτε στο {tenant} για να σας βοηθήσουμε: {link}"),
    ("en", "Please sign in to {tenant} so we can help you: {link}"),
    ("es", "Inicia sesión en {tenant} para que podamos ayudarte: {link}"),
    ("et", "Logige palun sisse teenusesse {tenant}, et saaksime teid aidata: {link}"),
    ("fi", "Kirjaudu palveluun {tenant}, niin voimme auttaa: {link}"),
    ("fr", "Connectez-vous à {tenant} pour que nous puissions vous aider : {link}"),
    ("he", "יש להתחבר אל {tenant} כדי שנוכל לעזור: {link}"),
    ("hi", "कृपया {tenant} में साइन इन करें ताकि हम आपकी मदद कर सकें: {link}"),
    ("hr", "Prijavite se na {tenant} kako bismo vam mogli pomoći: {link}"),
    ("hu", "Kérjük, jelentkezzen be ide: {tenant}, hogy segíthessünk: {link}"),
    ("id", "Silakan masuk ke {tenant} agar kami dapat membantu Anda: {link}"),
    ("it", "Accedi a {tenant} così possiamo aiutarti: {link}"),
    ("ja", "{tenant} にサインインしてください。続けてご案内いたします: {link}"),
    ("ko", "도움을 드릴 수 있도록 {tenant}에 로그인해 주세요: {link}"),
    ("nb", "Logg inn hos {tenant} slik at vi kan hjelpe deg: {link}"),
    ("nl", "Log in bij {tenant} zodat we u kunnen helpen: {link}"),
    ("pl", "Zaloguj się do {tenant}, abyśmy mogli Ci pomóc: {link}"),
    ("pt", "Inicie sessão em {tenant} para que possamos ajudar: {link}"),
    ("pt-br", "Entre na sua conta de {tenant} para que possamos ajudar você: {link}"),
    ("ro", "Conectați-vă la {tenant} ca să vă putem ajuta: {link}"),
    ("ru", "Войдите в {tenant}, чтобы мы могли вам помочь: {link}"),
    ("sk", "Prihláste sa do {tenant}, aby sme vám mohli pomôcť: {link}"),
    ("sv", "Logga in hos {tenant} så att vi kan hjälpa dig: {link}"),
    ("th", "โปรดลงชื่อเข้าใช้ {tenant} เพื่อให้เราช่วยเหลือคุณได้: {link}"),
    ("tr", "Size yardımcı olabilmemiz için {tenant} hesabınıza giriş yapın: {link}"),
    ("uk", "Увійдіть у {tenant}, щоб ми могли вам допомогти: {link}"),
    ("vi", "Vui lòng đăng nhập {tenant} để chúng tôi có thể hỗ trợ bạn: {link}"),
    ("zh", "请登录 {tenant}，以便我们为您服务： {link}"),
    ("zh-hant", "請登入 {tenant}，讓我們為您服務： {link}"),
];

/// Tags that are written in another way.
const ALSO: &[(&str, &str)] = &[
    ("iw", "he"),
    ("in", "id"),
    ("no", "nb"),
    ("nn", "nb"),
    ("zh-tw", "zh-hant"),
    ("zh-hk", "zh-hant"),
    ("zh-mo", "zh-hant"),
];

/// The tags that have one, sorted.
pub(super) fn tags() -> impl Iterator<Item = &'static str> {
    WORDINGS.iter().map(|(tag, _)| *tag)
}

/// The wording for a language tag (BCP 47, any case, `_` for `-`): the exact tag, then ever
/// shorter ones, then English.
pub(super) fn default_for(locale: &str) -> &'static str {
    let tag = locale.trim().replace('_', "-").to_ascii_lowercase();
    let mut tag = tag.split(['.', '@']).next().unwrap_or_default();
    loop {
        let own = ALSO.iter().find(|(other, _)| *other == tag).map_or(tag, |(_, own)| own);
        if let Ok(place) = WORDINGS.binary_search_by_key(&own, |(tag, _)| tag) {
            return WORDINGS[place].1;
        }
        match tag.rsplit_once('-') {
            Some((shorter, _)) => tag = shorter,
            None => return default_for("en"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_wording_ends_with_the_link() {
        assert!(WORDINGS.is_sorted_by_key(|(tag, _)| tag));
        for (tag, wording) in WORDINGS {
            assert!(wording.contains("{tenant}") && wording.ends_with(" {link}"), "{tag}");
            assert_eq!(wording.matches('{').count(), 2, "{tag}");
        }
        for (_, own) in ALSO {
            assert!(WORDINGS.iter().any(|(tag, _)| tag == own), "{own}");
        }
    }

    #[test]
    fn the_exact_tag_beats_its_language_and_that_beats_english() {
        assert!(default_for("pt-BR").contains("você"));
        assert!(default_for("pt-PT").starts_with("Inicie"));
        assert!(default_for("de_AT.UTF-8").starts_with("Bitte"));
        assert!(default_for("zh-Hant-HK").starts_with('請'));
        assert!(default_for("zh-TW").starts_with('請'));
        assert!(default_for("no").starts_with("Logg"));
        for unknown in ["xx", "", "--", "tlh-Latn", "\u{202E}"] {
            assert!(default_for(unknown).starts_with("Please"), "{unknown}");
        }
    }
}

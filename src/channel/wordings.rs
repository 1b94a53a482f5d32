//! Our own words, one row per language: the message in plain words and within one SMS as far as the
//! language allows (`{link}` stands last, so that nothing is taken for a part of it), a button of at most
//! 20 characters (the channels' narrowest), a title, and what stands in the chat when it is done.

/// What an auth message says where the tenant says nothing.
#[derive(Debug)]
pub(super) struct Words {
    /// The language tag, in lower case.
    pub(super) tag: &'static str,
    /// The message, with `{tenant}` and `{link}`.
    pub(super) text: &'static str,
    /// The button.
    pub(super) button: &'static str,
    /// The title of a card and the subject of an email, with `{tenant}`.
    pub(super) title: &'static str,
    /// The title of the customer's reply, where the channel writes one for him.
    pub(super) done: &'static str,
}

impl Words {
    const fn new(
        tag: &'static str,
        text: &'static str,
        button: &'static str,
        title: &'static str,
        done: &'static str,
    ) -> Self {
        Self { tag, text, button, title, done }
    }
}

/// A row per language, sorted by tag.
const WORDINGS: &[Words] = &[
    Words::new(
        "ar",
        "يرجى تسجيل الدخول إلى {tenant} لنتمكن من مساعدتك: {link}",
        "تسجيل الدخول",
        "تسجيل الدخول إلى {tenant}",
        "تم تسجيل الدخول",
    ),
    Words::new(
        "bg",
        "Моля, влезте в {tenant}, за да можем да Ви помогнем: {link}",
        "Вход",
        "Вход в {tenant}",
        "Влязохте",
    ),
    Words::new(
        "ca",
        "Inicia la sessió a {tenant} perquè et puguem ajudar: {link}",
        "Inicia la sessió",
        "Inicia la sessió a {tenant}",
        "Sessió iniciada",
    ),
    Words::new(
        "cs",
        "Přihlaste se prosím k {tenant}, abychom vám mohli pomoci: {link}",
        "Přihlásit se",
        "Přihlášení k {tenant}",
        "Jste přihlášeni",
    ),
    Words::new(
        "da",
        "Log ind hos {tenant}, så vi kan hjælpe dig: {link}",
        "Log ind",
        "Log ind hos {tenant}",
        "Du er logget ind",
    ),
    Words::new(
        "de",
        "Bitte melden Sie sich bei {tenant} an, damit wir Ihnen helfen können: {link}",
        "Anmelden",
        "Anmelden bei {tenant}",
        "Angemeldet",
    ),
    Words::new(
        "el",
        "Συνδεθείτε στο {tenant} για να σας βοηθήσουμε: {link}",
        "Σύνδεση",
        "Σύνδεση στο {tenant}",
        "Συνδεθήκατε",
    ),
    Words::new(
        "en",
        "Please sign in to {tenant} so we can help you: {link}",
        "Sign in",
        "Sign in to {tenant}",
        "Signed in",
    ),
    Words::new(
        "es",
        "Inicia sesión en {tenant} para que podamos ayudarte: {link}",
        "Iniciar sesión",
        "Iniciar sesión en {tenant}",
        "Sesión iniciada",
    ),
    Words::new(
        "et",
        "Logige palun sisse teenusesse {tenant}, et saaksime teid aidata: {link}",
        "Logi sisse",
        "Logi sisse: {tenant}",
        "Sisse logitud",
    ),
    Words::new(
        "fi",
        "Kirjaudu palveluun {tenant}, niin voimme auttaa: {link}",
        "Kirjaudu sisään",
        "Kirjaudu palveluun {tenant}",
        "Olet kirjautunut",
    ),
    Words::new(
        "fr",
        "Connectez-vous à {tenant} pour que nous puissions vous aider : {link}",
        "Se connecter",
        "Se connecter à {tenant}",
        "Connexion réussie",
    ),
    Words::new(
        "he",
        "יש להתחבר אל {tenant} כדי שנוכל לעזור: {link}",
        "התחברות",
        "התחברות אל {tenant}",
        "ההתחברות הושלמה",
    ),
    Words::new(
        "hi",
        "कृपया {tenant} में साइन इन करें ताकि हम आपकी मदद कर सकें: {link}",
        "साइन इन करें",
        "{tenant} में साइन इन करें",
        "साइन इन हो गया",
    ),
    Words::new(
        "hr",
        "Prijavite se na {tenant} kako bismo vam mogli pomoći: {link}",
        "Prijava",
        "Prijava na {tenant}",
        "Prijavljeni ste",
    ),
    Words::new(
        "hu",
        "Kérjük, jelentkezzen be ide: {tenant}, hogy segíthessünk: {link}",
        "Bejelentkezés",
        "Bejelentkezés ide: {tenant}",
        "Bejelentkezett",
    ),
    Words::new(
        "id",
        "Silakan masuk ke {tenant} agar kami dapat membantu Anda: {link}",
        "Masuk",
        "Masuk ke {tenant}",
        "Anda sudah masuk",
    ),
    Words::new(
        "it",
        "Accedi a {tenant} così possiamo aiutarti: {link}",
        "Accedi",
        "Accedi a {tenant}",
        "Accesso eseguito",
    ),
    Words::new(
        "ja",
        "{tenant} にサインインしてください。続けてご案内いたします: {link}",
        "サインイン",
        "{tenant} にサインイン",
        "サインインしました",
    ),
    Words::new(
        "ko",
        "도움을 드릴 수 있도록 {tenant}에 로그인해 주세요: {link}",
        "로그인",
        "{tenant} 로그인",
        "로그인했습니다",
    ),
    Words::new(
        "nb",
        "Logg inn hos {tenant} slik at vi kan hjelpe deg: {link}",
        "Logg inn",
        "Logg inn hos {tenant}",
        "Du er logget inn",
    ),
    Words::new(
        "nl",
        "Log in bij {tenant} zodat we u kunnen helpen: {link}",
        "Inloggen",
        "Inloggen bij {tenant}",
        "U bent ingelogd",
    ),
    Words::new(
        "pl",
        "Zaloguj się do {tenant}, abyśmy mogli Ci pomóc: {link}",
        "Zaloguj się",
        "Zaloguj się do {tenant}",
        "Zalogowano",
    ),
    Words::new(
        "pt",
        "Inicie sessão em {tenant} para que possamos ajudar: {link}",
        "Iniciar sessão",
        "Iniciar sessão em {tenant}",
        "Sessão iniciada",
    ),
    Words::new(
        "pt-br",
        "Entre na sua conta de {tenant} para que possamos ajudar você: {link}",
        "Entrar",
        "Entrar na conta de {tenant}",
        "Você entrou",
    ),
    Words::new(
        "ro",
        "Conectați-vă la {tenant} ca să vă putem ajuta: {link}",
        "Conectare",
        "Conectare la {tenant}",
        "V-ați conectat",
    ),
    Words::new(
        "ru",
        "Войдите в {tenant}, чтобы мы могли вам помочь: {link}",
        "Войти",
        "Вход в {tenant}",
        "Вы вошли",
    ),
    Words::new(
        "sk",
        "Prihláste sa do {tenant}, aby sme vám mohli pomôcť: {link}",
        "Prihlásiť sa",
        "Prihlásenie do {tenant}",
        "Ste prihlásení",
    ),
    Words::new(
        "sv",
        "Logga in hos {tenant} så att vi kan hjälpa dig: {link}",
        "Logga in",
        "Logga in hos {tenant}",
        "Du är inloggad",
    ),
    Words::new(
        "th",
        "โปรดลงชื่อเข้าใช้ {tenant} เพื่อให้เราช่วยเหลือคุณได้: {link}",
        "ลงชื่อเข้าใช้",
        "ลงชื่อเข้าใช้ {tenant}",
        "ลงชื่อเข้าใช้แล้ว",
    ),
    Words::new(
        "tr",
        "Size yardımcı olabilmemiz için {tenant} hesabınıza giriş yapın: {link}",
        "Giriş yap",
        "{tenant} hesabına giriş",
        "Giriş yapıldı",
    ),
    Words::new(
        "uk",
        "Увійдіть у {tenant}, щоб ми могли вам допомогти: {link}",
        "Увійти",
        "Вхід у {tenant}",
        "Ви увійшли",
    ),
    Words::new(
        "vi",
        "Vui lòng đăng nhập {tenant} để chúng tôi có thể hỗ trợ bạn: {link}",
        "Đăng nhập",
        "Đăng nhập {tenant}",
        "Đã đăng nhập",
    ),
    Words::new("zh", "请登录 {tenant}，以便我们为您服务： {link}", "登录", "登录 {tenant}", "已登录"),
    Words::new("zh-hant", "請登入 {tenant}，讓我們為您服務： {link}", "登入", "登入 {tenant}", "已登入"),
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

/// The tags that have words, sorted.
pub(super) fn tags() -> impl Iterator<Item = &'static str> {
    WORDINGS.iter().map(|words| words.tag)
}

/// The words for a language tag (BCP 47, any case, `_` for `-`): the exact tag, then ever shorter
/// ones, then English.
pub(super) fn words_for(locale: &str) -> &'static Words {
    let tag = locale.trim().replace('_', "-").to_ascii_lowercase();
    let mut tag = tag.split(['.', '@']).next().unwrap_or_default();
    loop {
        let own = ALSO.iter().find(|(other, _)| *other == tag).map_or(tag, |(_, own)| own);
        if let Ok(place) = WORDINGS.binary_search_by_key(&own, |words| words.tag) {
            return &WORDINGS[place];
        }
        match tag.rsplit_once('-') {
            Some((shorter, _)) => tag = shorter,
            None => return words_for("en"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_wording_ends_with_the_link() {
        assert!(WORDINGS.is_sorted_by_key(|words| words.tag));
        for Words { tag, text, .. } in WORDINGS {
            assert!(text.contains("{tenant}") && text.ends_with(" {link}"), "{tag}");
            assert_eq!(text.matches('{').count(), 2, "{tag}");
        }
        for (_, own) in ALSO {
            assert!(WORDINGS.iter().any(|words| words.tag == *own), "{own}");
        }
    }

    #[test]
    fn a_button_fits_every_channel_and_a_title_names_the_business() {
        for Words { tag, button, title, done, .. } in WORDINGS {
            assert!((1..=20).contains(&button.encode_utf16().count()), "{tag}");
            assert!(title.matches("{tenant}").count() == 1 && title.matches('{').count() == 1, "{tag}");
            assert!(!done.is_empty() && !done.contains('{'), "{tag}");
        }
    }

    #[test]
    fn the_exact_tag_beats_its_language_and_that_beats_english() {
        assert!(words_for("pt-BR").text.contains("você"));
        assert!(words_for("pt-PT").text.starts_with("Inicie"));
        assert!(words_for("de_AT.UTF-8").text.starts_with("Bitte"));
        assert!(words_for("zh-Hant-HK").text.starts_with('請'));
        assert!(words_for("zh-TW").text.starts_with('請'));
        assert!(words_for("no").text.starts_with("Logg"));
        for unknown in ["xx", "", "--", "tlh-Latn", "\u{202E}"] {
            assert!(words_for(unknown).text.starts_with("Please"), "{unknown}");
        }
    }
}

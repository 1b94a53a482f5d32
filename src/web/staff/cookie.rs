//! The cookie of a browser that staff signed in with.

use axum::http::HeaderValue;

use crate::domain::staff::LONGEST;
use crate::secret::Secret;
use crate::web::visit::Visit;

/// Its name behind the prefix that https demands. No login's cookie is called like this: those have eight characters.
const NAME: &str = "cs-staff";

/// What a browser keeps in which somebody has signed in, so that a code can be sent there whatever strangers ask for.
const MARK: &str = "cs-mark";
/// For so long.
const MARK_SECONDS: u32 = 180 * 24 * 60 * 60;

/// The value that the browser sent; none if it sent none, or several.
pub fn cookie_of(visit: &Visit) -> Option<Secret> {
    value_of(visit, NAME)
}

/// The mark of who signed in here last; none if there is none, or several.
pub fn mark_of(visit: &Visit) -> Option<Secret> {
    value_of(visit, MARK)
}

/// The `Set-Cookie` that marks a browser in which somebody signs in.
pub fn set_mark(visit: &Visit, value: &Secret) -> HeaderValue {
    let (name, value) = (name(MARK, visit.https), value.expose());
    visit.cookie(&format!("{name}={value}; Path=/; Max-Age={MARK_SECONDS}; HttpOnly; SameSite=Lax"))
}

fn value_of(visit: &Visit, name_of_ours: &str) -> Option<Secret> {
    let wanted = name(name_of_ours, visit.https);
    let mut values = visit.cookie_pairs().filter(|(name, _)| *name == wanted).map(|(_, value)| value);
    let (first, second) = (values.next()?, values.next());
    second.is_none().then(|| Secret::new(first))
}

/// The `Set-Cookie` of a browser that is let in.
pub fn set_cookie(visit: &Visit, value: &Secret) -> HeaderValue {
    let (name, value, seconds) = (name(NAME, visit.https), value.expose(), LONGEST.as_secs());
    visit.cookie(&format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
}

/// The same without a request, where everything is plain HTTP: for the demo.
pub fn plain_cookie(value: &Secret) -> HeaderValue {
    let cookie = format!("{NAME}={}; Path=/; HttpOnly; SameSite=Lax", value.expose());
    let mut value = HeaderValue::from_str(&cookie).expect("names and values of our cookies are ASCII");
    value.set_sensitive(true);
    value
}

/// The `Set-Cookie` of a browser that is signed out.
pub fn forget_cookie(visit: &Visit) -> HeaderValue {
    visit.forget_cookie(&name(NAME, visit.https))
}

fn name(of: &str, https: bool) -> String {
    if https { format!("__Host-{of}") } else { of.to_owned() }
}

//! The words of letters to staff: short, with nothing to click but where a link is the point.

use crate::domain::entry::INVITATION_LIFETIME;
use crate::domain::otp::OTP_LIFETIME;
use crate::domain::staff::{Member, Role};
use crate::domain::tenant::Tenant;
use crate::egress::mail::Letter;
use crate::secret::Secret;

/// A sign-in code.
pub(super) fn code(tenant: &Tenant, member: &Member, digits: &Secret) -> Letter {
    let (name, digits) = (plain(&tenant.name), digits.expose());
    let minutes = OTP_LIFETIME.as_mins();
    let ask = format!(
        "Type it where you asked for it. It is good for {minutes} minutes, once, and in that browser only. Nobody of us \
         will ever ask you for it. If you did not ask for it, do nothing."
    );
    Letter {
        sender: None,
        to: member.email.as_str().to_owned(),
        subject: format!("Your sign-in code for {name}"),
        text: format!("{digits} is your sign-in code for {name}.\n\n{ask}\n"),
        html: page(&format!(
            "<p>Your sign-in code for {}:</p><p style=\"font-size:28px;letter-spacing:4px\"><b>{digits}</b></p><p>{}</p>",
            escape(&name),
            escape(&ask)
        )),
    }
}

/// A one-time link.
pub(super) fn invitation(tenant: &Tenant, member: &Member, url: &str) -> Letter {
    let name = plain(&tenant.name);
    let minutes = INVITATION_LIFETIME.as_mins();
    let role = match member.role {
        Role::Admin => "an admin",
        Role::Agent => "an agent",
    };
    let lead = format!("You are invited to work with {name} as {role}. Sign in here:");
    let ask = format!(
        "The link is good for {minutes} minutes, and once. Later you sign in with a code that is sent to this address, or \
         with your company's account."
    );
    Letter {
        sender: None,
        to: member.email.as_str().to_owned(),
        subject: format!("Your invitation to {name}"),
        text: format!("{lead}\n\n{url}\n\n{ask}\n"),
        html: page(&format!(
            "<p>{}</p><p><a href=\"{url}\">{url}</a></p><p>{}</p>",
            escape(&lead),
            escape(&ask),
            url = escape(url)
        )),
    }
}

fn page(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"></head><body>{body}</body></html>"
    )
}

/// In one line, without what is not seen.
fn plain(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup_and_no_second_line() {
        assert_eq!(escape("<b>\"A&B\"</b>"), "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;");
        assert_eq!(plain(" Acme\r\nBank "), "Acme Bank");
    }
}

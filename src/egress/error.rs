//! What can go wrong on the way out, and what it means for a login.

use std::net::IpAddr;

use crate::domain::fault::{Code, Fault, Step};

/// Why a URL or an address may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another scheme than https, on a host that the operator has not listed.
    #[error("the scheme is `{0}`; use `https`, or list the host and port in `egress.allow`")]
    Scheme(String),
    /// A URL without a host.
    #[error("the url has no host")]
    Host,
    /// `https://someone@host`: readers disagree about where that leads.
    #[error("the url holds a user name or password; leave them out")]
    Userinfo,
    /// A part that is never sent.
    #[error("the url holds a fragment; leave it out")]
    Fragment,
    /// A port that is neither usual for https nor listed.
    #[error(
        "port {0} is not allowed; use one of `egress.ports`, or list the host and port in `egress.allow`"
    )]
    Port(u16),
    /// A name that means this machine or this network by definition.
    #[error("the host `{0}` is {1}")]
    Name(String, &'static str),
    /// An address in a refused range.
    #[error("the address `{address}` is refused: {reason}")]
    Address {
        /// Which.
        address: IpAddr,
        /// The range it lies in.
        reason: &'static str,
    },
}

/// Why a call has no answer. It quotes nothing of what was sent or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// It was not called at all.
    #[error("not called: {0}")]
    Refused(#[from] Refusal),
    /// The request cannot be written as HTTP: a fault of ours.
    #[error("not called: a header holds what no header may hold")]
    Unsendable,
    /// The name does not resolve, or nobody listens there, also at the second attempt.
    #[error("cannot connect")]
    Connect,
    /// Somebody listens, but cannot prove to be the host.
    #[error("no trusted connection: {0}")]
    Tls(String),
    /// No whole answer before the deadline.
    #[error("no whole answer in time")]
    Timeout,
    /// The connection ended early, or what came is no HTTP.
    #[error("the answer broke off or is no http")]
    Broken,
    /// The answer is larger than the cap, decoded.
    #[error("the answer is too large")]
    TooLarge,
}

impl EgressError {
    /// What it means at the token endpoint.
    pub fn at_token(&self) -> Fault {
        let code = match self {
            Self::Refused(_) => Code::TokenUrlRefused,
            Self::Unsendable => Code::Internal,
            Self::Connect | Self::Tls(_) | Self::Broken => Code::TokenFailed,
            Self::Timeout => Code::TokenTimeout,
            Self::TooLarge => Code::TokenTooLarge,
        };
        Fault::new(Step::Exchange, code)
    }

    /// What it means at the WhoAmI endpoint.
    pub fn at_whoami(&self) -> Fault {
        let code = match self {
            Self::Refused(_) => Code::WhoamiUrlRefused,
            Self::Unsendable => Code::Internal,
            Self::Connect | Self::Tls(_) | Self::Broken => Code::WhoamiFailed,
            Self::Timeout => Code::WhoamiTimeout,
            Self::TooLarge => Code::WhoamiTooLarge,
        };
        Fault::new(Step::Whoami, code)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Refusal::Host.into(), Code::TokenUrlRefused, Code::WhoamiUrlRefused)]
    #[case(EgressError::Unsendable, Code::Internal, Code::Internal)]
    #[case(EgressError::Connect, Code::TokenFailed, Code::WhoamiFailed)]
    #[case(EgressError::Tls("expired".to_owned()), Code::TokenFailed, Code::WhoamiFailed)]
    #[case(EgressError::Broken, Code::TokenFailed, Code::WhoamiFailed)]
    #[case(EgressError::Timeout, Code::TokenTimeout, Code::WhoamiTimeout)]
    #[case(EgressError::TooLarge, Code::TokenTooLarge, Code::WhoamiTooLarge)]
    fn an_error_fails_the_step_that_made_the_call(
        #[case] error: EgressError,
        #[case] token: Code,
        #[case] whoami: Code,
    ) {
        assert_eq!(error.at_token(), Fault::new(Step::Exchange, token));
        assert_eq!(error.at_whoami(), Fault::new(Step::Whoami, whoami));
    }
}

//! oauth.

//! Channels as they behave: a simulator per channel that does what its documentation says, or for Apple what the device
//! does, against our pure halves.
//!
//! To add a channel: 1. a file with its simulator: what it is given, what it refuses, what it sends, 2. a file with the
//! stories it plays in, among them one of a link that was forwarded, 3. two lines below.

mod apple;
mod apple_newer;
mod apple_older;
mod canary;
mod choice;
mod devices;
pub mod facebook;
mod forwarded;
mod inbound;
mod killed;
mod large_reply;
mod logins;
mod lost_writes;
pub mod messages_app;
mod messenger;
mod messenger_login;
pub mod messenger_world;
mod robots;
mod visitors;
mod web_chat;
pub mod world;

//! What an agent's desk asks that no program asks of the API: the conversations with how they stand, a search
//! among them, a message before it is sent, and what changed.
//!
//! | file | what |
//! |---|---|
//! | [`board`] | conversations, the one that changed last first |
//! | [`search`] | by id, address, or the contact's name |
//! | [`draft`] | what a customer would see, and what should be known before it is sent |
//! | [`code`] | who passed a confirmation code |
//! | [`news`] | which conversation an event belongs to |
//!
//! Everything that changes something goes through the use cases of the API. To add a question: 1. a file here
//! with an `impl Broker` block, 2. a row above, 3. its page in `web/console/`, 4. a case in `tests/it/console/`.

pub mod board;
pub mod code;
pub mod draft;
pub mod news;
pub mod search;

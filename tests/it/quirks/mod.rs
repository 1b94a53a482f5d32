//! Every setting for a provider that is not as the RFCs have it, end to end: what left the building,
//! and what came of it. `docs/providers.md` names these tests.
//!
//! | file | what |
//! |---|---|
//! | `requests` | authorization request, callback, client authentication, token request and answer |
//! | `node` | a server from npm that takes token requests as JSON |
//! | `rare` | what few providers want |
//! | `people` | WhoAmI and its like, and where else the person's data come from |
//!
//! To add one for a setting: 1. a test in the file of its group, 2. its row in `docs/providers.md` (a
//! test asks).

mod node;
mod people;
mod rare;
mod requests;

//! Which lanes of a round have their turns next: found, then ready, then read, then under way.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use crate::store::keys::Due;

use super::super::attempt::Loaded;
use super::super::pace::Receiver;
use super::super::spread;
use super::{LaneKey, Round};

/// Lanes of one webhook that are known and wait for their turns.
const READ_AHEAD: usize = 4096;
/// Lanes that are read at once.
const LOADED: usize = 64;

impl Round<'_> {
    /// Lanes that are due, those of webhooks that are called now.
    pub(super) fn found(&mut self, found: Vec<Due>) {
        let now = self.broker.clock.now();
        for due in found {
            let Some(receiver) = receiver_of(&due) else { continue };
            if self.known.contains(&key_of(&due)) {
                continue;
            }
            if self.broker.room_for(&receiver, now) == 0 {
                self.scan.pass_over(self.broker.back_at(&receiver, now));
            } else if self.ready_for.get(&receiver).is_some_and(|ready| *ready >= READ_AHEAD) {
                self.is_crowded = true;
            } else {
                self.known.insert(key_of(&due));
                self.make_ready(due);
            }
        }
    }

    pub(super) fn take_loaded(&mut self, wanted: &[Due], loaded: Vec<Loaded>) {
        let is_due: HashSet<_> = loaded.iter().map(|lane| key_of(&lane.due)).collect();
        for due in wanted.iter().filter(|due| !is_due.contains(&key_of(due))) {
            self.known.remove(&key_of(due));
            if let Some(receiver) = &receiver_of(due) {
                leave(&mut self.held, receiver);
            }
        }
        for lane in loaded {
            // One that cannot be read stays known: it has no turn in this round.
            if lane.places.is_empty() {
                if let Some(receiver) = &receiver_of(&lane.due) {
                    leave(&mut self.held, receiver);
                }
            } else {
                self.loaded.push_back(lane);
            }
        }
    }

    pub(super) fn make_ready(&mut self, due: Due) {
        let Some(receiver) = receiver_of(&due) else { return };
        *self.ready_for.entry(receiver).or_default() += 1;
        self.ready.push_back(due);
        self.is_full = false;
    }

    /// Lanes to be read now: about twice as many as each webhook can have under way.
    pub(super) fn wanted(&mut self) -> Vec<Due> {
        let now = self.broker.clock.now();
        let (mut wanted, mut waiting) = (Vec::new(), VecDeque::new());
        let mut full = HashSet::new();
        while let Some(due) = self.ready.pop_front() {
            let Some(receiver) = receiver_of(&due) else { continue };
            if wanted.len() >= LOADED || full.contains(&receiver) {
                waiting.push_back(due);
                continue;
            }
            let room = self.room(&receiver, now);
            if room == 0 {
                self.scan.pass_over(self.broker.back_at(&receiver, now));
                self.known.remove(&key_of(&due));
                leave(&mut self.ready_for, &receiver);
            } else if self.held.get(&receiver).is_some_and(|held| *held >= 2 * room) {
                full.insert(receiver);
                waiting.push_back(due);
            } else {
                leave(&mut self.ready_for, &receiver);
                *self.held.entry(receiver).or_default() += 1;
                wanted.push(due);
            }
        }
        self.ready = waiting;
        wanted
    }

    pub(super) fn room(&self, receiver: &Receiver, now: Timestamp) -> usize {
        self.broker.room_for(receiver, now).min(self.broker.delivering.share())
    }
}

pub(super) fn key_of(due: &Due) -> LaneKey {
    (due.tenant.clone(), due.id.clone())
}

pub(super) fn receiver_of(due: &Due) -> Option<Receiver> {
    Some((due.tenant.clone(), spread::webhook_of(&due.id)?))
}

/// One less.
pub(super) fn leave(counts: &mut HashMap<Receiver, usize>, receiver: &Receiver) {
    if let Some(count) = counts.get_mut(receiver) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(receiver);
        }
    }
}

//! What one evaluation may cost. A budget that is spent is never given back.

use std::cell::Cell;

use serde_json::Value;

use super::super::fault::EvalFault;

/// Steps of one evaluation: about 50 ms on one core of 2026.
pub const FUEL: u64 = 1_000_000;
/// Bytes that one evaluation may make beside the answer that it reads.
pub const BYTES: usize = 8 * 1024 * 1024;
/// What a value costs beside its text: its place in a list or object, and the allocation.
const PER_VALUE: usize = 80;
/// How much text is as dear as one step.
const TEXT_PER_STEP: usize = 64;

/// Counts down while an expression runs.
pub struct Meter {
    fuel: Cell<u64>,
    bytes: Cell<usize>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { fuel: Cell::new(FUEL), bytes: Cell::new(BYTES) }
    }
}

impl Meter {
    /// A budget of its own, for one of several evaluations that share a whole.
    pub(in crate::profile) fn of(fuel: u64, bytes: usize) -> Self {
        Self { fuel: Cell::new(fuel), bytes: Cell::new(bytes) }
    }

    /// The steps that are left.
    pub(in crate::profile) fn fuel_left(&self) -> u64 {
        self.fuel.get()
    }

    /// Takes `steps` of the fuel.
    pub(super) fn spend(&self, steps: usize) -> Result<(), EvalFault> {
        let left = self.fuel.get().checked_sub(steps as u64).ok_or(EvalFault::OutOfFuel)?;
        self.fuel.set(left);
        Ok(())
    }

    /// Takes the fuel that it costs to read `length` bytes of text.
    pub(super) fn read(&self, length: usize) -> Result<(), EvalFault> {
        self.spend(1 + length / TEXT_PER_STEP)
    }

    /// Takes `bytes` of the budget, and the fuel to fill them.
    pub(super) fn make(&self, bytes: usize) -> Result<(), EvalFault> {
        let left = self.bytes.get().checked_sub(bytes).ok_or(EvalFault::TooLarge)?;
        self.bytes.set(left);
        self.read(bytes)
    }

    /// Takes what a deep copy of `value` costs, before it is made.
    pub(super) fn copy_of(&self, value: &Value) -> Result<(), EvalFault> {
        match value {
            Value::Null | Value::Bool(_) => self.make(PER_VALUE),
            Value::Number(number) => self.make(PER_VALUE + number.as_str().len()),
            Value::String(text) => self.make(PER_VALUE + text.len()),
            Value::Array(items) => {
                self.make(PER_VALUE)?;
                items.iter().try_for_each(|item| self.copy_of(item))
            }
            Value::Object(fields) => {
                self.make(PER_VALUE)?;
                fields.iter().try_for_each(|(key, field)| {
                    self.make(PER_VALUE + key.len())?;
                    self.copy_of(field)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_gone() {
        let meter = Meter::default();
        meter.make(BYTES - 10).unwrap();
        assert_eq!(meter.make(11), Err(EvalFault::TooLarge));
        meter.make(10).unwrap();
        assert_eq!(meter.make(1), Err(EvalFault::TooLarge));
    }

    #[test]
    fn fuel_ends() {
        let meter = Meter::default();
        meter.spend(999_999).unwrap();
        meter.spend(1).unwrap();
        assert_eq!(meter.spend(1), Err(EvalFault::OutOfFuel));
    }

    #[test]
    fn a_copy_is_paid_for_as_a_whole() {
        let meter = Meter::default();
        let large = Value::Array(vec![Value::String("x".repeat(1024)); 9000]);
        assert_eq!(meter.copy_of(&large), Err(EvalFault::TooLarge));
    }
}

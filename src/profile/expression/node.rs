//! The compiled form of an expression: checked once, so that evaluation has nothing to look up.

use serde_json::Value;

use super::functions::Function;

/// One node. Its depth is bounded by `bounds::check`; chains lie flat, because a chain may be much
/// longer than the stack would like to be deep.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `@`
    Current,
    /// `name`
    Field(Box<str>),
    /// `[0]`, `[-1]`
    Index(i64),
    /// `[1:3]`, `[::-1]`
    Slice(Slice),
    /// `` `1` ``, `'text'`
    Literal(Value),
    /// `a.b` and `a | b`: each reads what the one before has found
    Then(Vec<Node>),
    /// `a || b`
    Or(Vec<Node>),
    /// `a && b`
    And(Vec<Node>),
    /// `!node`
    Not(Box<Node>),
    /// `left == right`
    Compare(Comparison, Box<Node>, Box<Node>),
    /// `node[]`, without its projection
    Flatten(Box<Node>),
    /// `node.*`, without its projection
    Values(Box<Node>),
    /// `list[*].each`
    Project(Box<Node>, Box<Node>),
    /// The inner part of `[?test].then`
    Filter(Box<Node>, Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{a: b}`
    Object(Vec<(Box<str>, Node)>),
    /// `length(a)`
    Call(Called, Vec<Argument>),
}

/// A function, and where its name stands in the expression, both from 1: for its faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) function: Function,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Node {
    /// Collects the names that are looked up where the evaluation begins.
    pub(super) fn first_names<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Self::Field(name) => into.push(name),
            Self::Current | Self::Index(_) | Self::Slice(_) | Self::Literal(_) => {}
            // What follows reads what the first one has found.
            Self::Then(nodes) => {
                if let Some(first) = nodes.first() {
                    first.first_names(into);
                }
            }
            Self::Or(nodes) | Self::And(nodes) | Self::List(nodes) => {
                for node in nodes {
                    node.first_names(into);
                }
            }
            Self::Not(node) | Self::Flatten(node) | Self::Values(node) | Self::Project(node, _) => {
                node.first_names(into);
            }
            Self::Compare(_, left, right) | Self::Filter(left, right) => {
                left.first_names(into);
                right.first_names(into);
            }
            Self::Object(fields) => {
                for (_, node) in fields {
                    node.first_names(into);
                }
            }
            Self::Call(_, arguments) => {
                for argument in arguments {
                    if let Argument::Value(node) = argument {
                        node.first_names(into);
                    }
                }
            }
        }
    }
}

/// What stands between the brackets of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    /// An expression, evaluated before the call.
    Value(Node),
    /// `&expression`, evaluated by the function for each element.
    Each(Node),
}

/// The three numbers of a slice. The step is never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: Option<i64>,
    pub(super) stop: Option<i64>,
    pub(super) step: i64,
}

impl Slice {
    /// The indexes that it takes from a list of `len`, in order.
    pub(super) fn indexes(self, len: usize) -> impl Iterator<Item = usize> {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let (lowest, highest) = if self.step > 0 { (0, len) } else { (-1, len - 1) };
        let settle = |endpoint: i64| {
            let from_start = if endpoint < 0 { endpoint + len } else { endpoint };
            from_start.clamp(lowest, highest)
        };
        let (first, last) = if self.step > 0 { (lowest, highest) } else { (highest, lowest) };
        let start = self.start.map_or(first, settle);
        let stop = self.stop.map_or(last, settle);
        let step = self.step;
        std::iter::successors(Some(start), move |at| at.checked_add(step))
            .take_while(move |at| if step > 0 { *at < stop } else { *at > stop })
            .filter_map(|at| usize::try_from(at).ok())
    }
}

/// `==`, `!=` and the four orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(start: Option<i64>, stop: Option<i64>, step: i64, len: usize) -> Vec<usize> {
        Slice { start, stop, step }.indexes(len).collect()
    }

    #[test]
    fn a_slice_counts_from_either_end() {
        assert_eq!(taken(Some(1), Some(3), 1, 5), [1, 2]);
        assert_eq!(taken(Some(-2), None, 1, 5), [3, 4]);
        assert_eq!(taken(None, None, -2, 5), [4, 2, 0]);
        assert_eq!(taken(None, Some(-100), -1, 3), [2, 1, 0]);
    }

    #[test]
    fn a_slice_beyond_the_list_takes_what_there_is() {
        assert_eq!(taken(Some(1), None, 1_000_000, 3), [1]);
        assert_eq!(taken(Some(50), Some(-50), -1, 3), [2, 1, 0]);
        assert!(taken(Some(2), Some(1), 1, 3).is_empty());
        assert!(taken(None, None, 1, 0).is_empty());
        assert!(taken(None, None, -1, 0).is_empty());
    }
}

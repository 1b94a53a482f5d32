//! The check behind the parser: how much an expression may make of what it reads. `@|[@,@]` doubles
//! it, and twenty-five of these in a row fill the memory of any machine. The meter would stop that
//! in the middle of a sign-in; an admin should hear of it when the mapping is saved.

use jmespath::Variable;
use jmespath::ast::Ast;

use super::super::fault::MappingFault;

/// How often an expression may repeat what it reads, and how many values of its own it may make.
const MAX_GROWTH: u64 = 1_000_000;
/// How much text of a literal counts as one value.
const TEXT_PER_VALUE: usize = 64;

/// What an expression makes, at most.
#[derive(Debug, Clone, Copy, Default)]
struct Growth {
    /// Copies of what it is given.
    copies: u64,
    /// Values of its own, out of literals.
    own: u64,
    /// The most of both on the way.
    peak: u64,
}

/// Refuses an expression that multiplies what it is given beyond all use.
pub(super) fn check(text: &str, tree: &Ast) -> Result<(), MappingFault> {
    measure(tree).map(drop).map_err(|offset| {
        let message = "this part would repeat what it is given more than 1,000,000 times";
        MappingFault::at(text, offset, message).with_hint("name the fields that are needed instead of `@`")
    })
}

/// The growth of a tree, or the place where it becomes too much.
fn measure(tree: &Ast) -> Result<Growth, usize> {
    let (growth, offset) = match tree {
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Slice { .. } => {
            return Ok(Growth::GIVEN);
        }
        Ast::Literal { value, .. } => return Ok(Growth::of_own(values_in(value))),
        Ast::Subexpr { lhs, rhs, offset } => (measure(lhs)?.then(measure(rhs)?), offset),
        Ast::Projection { lhs, rhs, offset } => (measure(lhs)?.for_each(measure(rhs)?), offset),
        Ast::Condition { predicate, then, offset } => (measure(then)?.beside(measure(predicate)?), offset),
        Ast::And { lhs, rhs, offset } | Ast::Or { lhs, rhs, offset } => {
            (measure(lhs)?.or(measure(rhs)?), offset)
        }
        Ast::Comparison { lhs, rhs, offset, .. } => {
            (Growth::of_own(1).beside(measure(lhs)?).beside(measure(rhs)?), offset)
        }
        Ast::Not { node, offset } => (Growth::of_own(1).beside(measure(node)?), offset),
        Ast::Flatten { node, offset } | Ast::ObjectValues { node, offset } => (measure(node)?, offset),
        Ast::Expref { ast, offset } => (measure(ast)?, offset),
        Ast::MultiList { elements, offset } => (sum(elements.iter())?, offset),
        Ast::MultiHash { elements, offset } => (sum(elements.iter().map(|pair| &pair.value))?, offset),
        Ast::Function { name, args, offset } => (of_call(name, args)?, offset),
    };
    if growth.peak > MAX_GROWTH { Err(*offset) } else { Ok(growth) }
}

fn sum<'t>(trees: impl Iterator<Item = &'t Ast>) -> Result<Growth, usize> {
    let mut whole = Growth::of_own(1);
    for tree in trees {
        whole = whole.and(measure(tree)?);
    }
    Ok(whole)
}

/// What a call makes of its arguments: all of them, unless it runs one for each element of another.
fn of_call(name: &str, args: &[Ast]) -> Result<Growth, usize> {
    match (name, args) {
        ("map", [each, list]) => Ok(measure(list)?.for_each(measure(each)?)),
        ("sort_by" | "max_by" | "min_by", [list, each]) => {
            let (list, each) = (measure(list)?, measure(each)?);
            Ok(list.beside(list.for_each(each)))
        }
        ("join", [between, list]) => {
            let (between, list) = (measure(between)?, measure(list)?);
            Ok(list.and(list.for_each(between)))
        }
        _ => sum(args.iter()),
    }
}

/// How many values a literal has.
fn values_in(literal: &Variable) -> u64 {
    let within = match literal {
        Variable::Array(items) => items.iter().map(|item| values_in(item)).sum(),
        Variable::Object(fields) => fields.values().map(|field| values_in(field)).sum(),
        Variable::String(text) => (text.len() / TEXT_PER_VALUE) as u64,
        _ => 0,
    };
    1 + within
}

impl Growth {
    /// A part of what is given, or all of it.
    const GIVEN: Self = Self { copies: 1, own: 0, peak: 1 };

    fn of_own(values: u64) -> Self {
        Self { copies: 0, own: values, peak: values }
    }

    /// What the second makes of what the first has made.
    fn then(self, next: Self) -> Self {
        let copies = self.copies.saturating_mul(next.copies);
        let own = self.own.saturating_mul(next.copies).saturating_add(next.own);
        let next_peak = self.copies.max(1).saturating_mul(next.peak);
        Self { copies, own, peak: 0 }.peaking(self.peak.max(next_peak))
    }

    /// What the second makes of each element of the first.
    fn for_each(self, each: Self) -> Self {
        let elements = self.copies.saturating_add(self.own);
        let copies = self.copies.saturating_mul(each.copies);
        let own = self.own.saturating_mul(each.copies).saturating_add(elements.saturating_mul(each.own));
        Self { copies, own, peak: 0 }.peaking(self.peak.max(elements.saturating_mul(each.peak)))
    }

    /// Both in one value.
    fn and(self, other: Self) -> Self {
        let copies = self.copies.saturating_add(other.copies);
        let own = self.own.saturating_add(other.own);
        Self { copies, own, peak: 0 }.peaking(self.peak.max(other.peak))
    }

    /// One or the other.
    fn or(self, other: Self) -> Self {
        let (copies, own) = (self.copies.max(other.copies), self.own.max(other.own));
        Self { copies, own, peak: 0 }.peaking(self.peak.max(other.peak))
    }

    /// This, while the other was made and thrown away.
    fn beside(self, other: Self) -> Self {
        self.peaking(other.peak)
    }

    fn peaking(self, other: u64) -> Self {
        Self { peak: self.peak.max(other).max(self.copies.saturating_add(self.own)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<usize> {
        let tree = jmespath::parse(text).unwrap();
        check(text, &tree).err().map(|fault| fault.offset)
    }

    #[test]
    fn what_doubles_in_a_row_is_refused_where_it_becomes_too_much() {
        let doubling = |times: usize| format!("@{}", "|[@,@]".repeat(times));
        assert_eq!(refused(&doubling(18)), None);
        let at = refused(&doubling(25)).unwrap();
        assert!((100..130).contains(&at), "{at}");
        for text in [
            format!("{}|to_string(@)", doubling(25)),
            format!("length({})", doubling(25)),
            format!("{}=={}", doubling(25), doubling(25)),
            format!("@{}", "|join('',[@,@,@,@,@,@,@,@,@,@])".repeat(8)),
            format!("@{}", "|[@,@,@,@,@,@,@,@,@,@][]".repeat(8)),
            format!("@{}", "|{a:@,b:@,c:@}".repeat(16)),
            format!("@{}", "|map(&[@,@],[@,@])".repeat(14)),
            format!("@{}", "|merge({a:@,b:@},{c:@})".repeat(14)),
            format!("{}a{}", "sort_by([@,@], &".repeat(22), ")".repeat(22)),
        ] {
            assert!(refused(&text).is_some(), "{text}");
        }
    }

    #[test]
    fn loops_over_literals_multiply() {
        let ten = "`[0,1,2,3,4,5,6,7,8,9]`";
        let loops = |times: usize| format!("{}@{}", format!("{ten}[*].[").repeat(times), "]".repeat(times));
        assert_eq!(refused(&loops(3)), None);
        assert!(refused(&loops(8)).is_some());
    }

    #[test]
    fn mappings_as_people_write_them_pass() {
        let wide =
            format!("{{{}}}", (0..200).map(|n| format!("f{n}: a.b[{n}].c")).collect::<Vec<_>>().join(", "));
        let chain = vec!["user.names[0].value"; 100].join(" || ");
        for text in [
            wide.as_str(),
            &chain,
            "emails[?primary && verified] | [0].email",
            "data[0].{email: emails[?type == 'work'].value | [0], name: join(' ', [first, last])}",
            "people[*].{n: name, tags: tags[*].[id, label][]} | sort_by(@, &n)[:10]",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }
}

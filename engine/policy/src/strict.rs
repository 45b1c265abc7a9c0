//! Makes errors of builtins end an evaluation on the RVM, as they do on the
//! interpreter.
//!
//! The RVM takes most errors in the body of a rule for "this body does not
//! hold", even when told to be strict. A violation that asks
//! `to_number(found) > 4` would then vanish where `found` is no number, and the
//! rule would pass what it could not judge. Only errors about limits get
//! through. So every builtin of a program is wrapped: its error is kept aside
//! and goes up as the limit error that nothing else here can cause.
//!
//! Not covered, since no builtin is involved: arithmetic on what is no number,
//! and helper rules with two values. Both are undefined on the RVM, as in OPA
//! without strict errors; a case that hits one shows it, because the
//! interpreter raises an error.

use std::cell::RefCell;
use std::sync::LazyLock;

use regorus::rvm::program::Program;
use regorus::unstable::{BUILTINS, Expr, Ref, Span};
use regorus::{LimitError, Value};

type Function = fn(&Span, &[Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

/// All builtins in order of name: a wrapper is known by its place.
static BY_NAME: LazyLock<Vec<(&'static str, Function)>> = LazyLock::new(|| {
    let mut all: Vec<(&str, Function)> = BUILTINS.iter().map(|(n, (f, _))| (*n, *f)).collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    all
});

thread_local! {
    /// The error of the evaluation that runs on this thread.
    static RAISED: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn wrapped<const N: usize>(
    span: &Span,
    exprs: &[Ref<Expr>],
    values: &[Value],
    _strict: bool,
) -> anyhow::Result<Value> {
    let Some((name, function)) = BY_NAME.get(N) else {
        return Ok(Value::Undefined);
    };
    function(span, exprs, values, true).map_err(|error| {
        let (_, text) = crate::module::split_error(&error.to_string());
        RAISED.with_borrow_mut(|raised| *raised = Some(format!("`{name}`: {text}")));
        LimitError::RegexSizeLimitExceeded { limit: 0 }.into()
    })
}

macro_rules! rows {
    ($($row:literal)*) => {
        [$([
            wrapped::<{ $row * 16 }>, wrapped::<{ $row * 16 + 1 }>, wrapped::<{ $row * 16 + 2 }>,
            wrapped::<{ $row * 16 + 3 }>, wrapped::<{ $row * 16 + 4 }>, wrapped::<{ $row * 16 + 5 }>,
            wrapped::<{ $row * 16 + 6 }>, wrapped::<{ $row * 16 + 7 }>, wrapped::<{ $row * 16 + 8 }>,
            wrapped::<{ $row * 16 + 9 }>, wrapped::<{ $row * 16 + 10 }>, wrapped::<{ $row * 16 + 11 }>,
            wrapped::<{ $row * 16 + 12 }>, wrapped::<{ $row * 16 + 13 }>, wrapped::<{ $row * 16 + 14 }>,
            wrapped::<{ $row * 16 + 15 }>,
        ]),*]
    };
}

/// A function per place, since the RVM hands a builtin nothing that says which
/// one it is.
static WRAPPERS: [[Function; 16]; 16] = rows!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);

/// Wraps all builtins of a program.
pub(crate) fn wrap(program: &mut Program) {
    for (info, resolved) in program.builtin_info_table.iter().zip(&mut program.resolved_builtins) {
        let place = BY_NAME.binary_search_by_key(&info.name.as_str(), |(name, _)| name);
        let wrapper = place.ok().and_then(|n| WRAPPERS.get(n / 16)?.get(n % 16));
        if let Some(wrapper) = wrapper {
            resolved.0 = *wrapper;
        }
    }
}

/// The error that a builtin raised on this thread since the last call.
pub(crate) fn take() -> Option<String> {
    RAISED.with_borrow_mut(Option::take)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_wrapper_for_every_builtin() {
        assert!(BY_NAME.len() <= WRAPPERS.len() * 16, "{} builtins", BY_NAME.len());
    }
}

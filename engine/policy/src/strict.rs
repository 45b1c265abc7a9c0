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
//! Arithmetic has instructions of its own, whose errors vanish in the same way.
//! They become calls of builtins made here.
//!
//! A loop over what is no collection is an error too: the text that the RVM
//! compiles hands the collection of each loop to [`COLLECTION`].
//!
//! What leaves no trace here is kept from the RVM, see [`crate::rvm`].

use std::cell::RefCell;
use std::sync::LazyLock;

use regorus::rvm::instructions::{BuiltinCallParams, Instruction};
use regorus::rvm::program::{BuiltinInfo, Program};
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
        raise(format!("`{name}`: {text}"))
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

/// The builtin that gives its argument back if it is a collection. The guard
/// refuses what `trace` is otherwise, so that no rule can mean it.
pub(crate) const COLLECTION: &str = "trace";

/// Wraps all builtins of a program.
pub(crate) fn wrap(program: &mut Program) {
    for (info, resolved) in program.builtin_info_table.iter().zip(&mut program.resolved_builtins) {
        if info.name == COLLECTION {
            resolved.0 = collection;
            continue;
        }
        let place = BY_NAME.binary_search_by_key(&info.name.as_str(), |(name, _)| name);
        let wrapper = place.ok().and_then(|n| WRAPPERS.get(n / 16)?.get(n % 16));
        if let Some(wrapper) = wrapper {
            resolved.0 = *wrapper;
        }
    }
}

/// Turns arithmetic into calls of builtins that raise errors like the others.
/// Both leave an undefined operand undefined.
pub(crate) fn wrap_arithmetic(program: &mut Program) {
    const OPERATIONS: [(&str, Function); 5] = [
        ("plus", arithmetic::<0>),
        ("minus", arithmetic::<1>),
        ("times", arithmetic::<2>),
        ("div", arithmetic::<3>),
        ("rem", arithmetic::<4>),
    ];
    let first = program.builtin_info_table.len();
    for (name, function) in OPERATIONS {
        program.builtin_info_table.push(BuiltinInfo { name: name.to_owned(), num_args: 2 });
        program.resolved_builtins.push((function, 2));
    }
    for at in 0..program.instructions.len() {
        let Some(instruction) = program.instructions.get(at) else { continue };
        let (operation, dest, left, right) = match *instruction {
            Instruction::Add { dest, left, right } => (0, dest, left, right),
            Instruction::Sub { dest, left, right } => (1, dest, left, right),
            Instruction::Mul { dest, left, right } => (2, dest, left, right),
            Instruction::Div { dest, left, right } => (3, dest, left, right),
            Instruction::Mod { dest, left, right } => (4, dest, left, right),
            _ => continue,
        };
        let Ok(builtin_index) = u16::try_from(first + operation) else { continue };
        let args = [left, right, 0, 0, 0, 0, 0, 0];
        let params = BuiltinCallParams { dest, builtin_index, num_args: 2, args };
        let params_index = program.add_builtin_call_params(params);
        if let Some(slot) = program.instructions.get_mut(at) {
            *slot = Instruction::BuiltinCall { params_index };
        }
    }
}

fn arithmetic<const OPERATION: usize>(
    _span: &Span,
    _exprs: &[Ref<Expr>],
    values: &[Value],
    _strict: bool,
) -> anyhow::Result<Value> {
    let result = match values {
        [Value::Number(x), Value::Number(y)] => {
            let zero = *y == 0_u64.into();
            match OPERATION {
                0 => x.add(y).map(Value::from),
                1 => x.sub(y).map(Value::from),
                2 => x.mul(y).map(Value::from),
                _ if zero => Err(anyhow::anyhow!("division by zero")),
                3 => x.clone().divide(y).map(Value::from),
                _ if !x.is_integer() || !y.is_integer() => {
                    Err(anyhow::anyhow!("remainder of what is not an integer"))
                }
                _ => x.clone().modulo(y).map(Value::from),
            }
        }
        [Value::Set(x), Value::Set(y)] if OPERATION == 1 => Ok(Value::from(x.difference(y))),
        _ => Err(anyhow::anyhow!("arithmetic on what is not a number")),
    };
    result.map_err(|error| raise(error.to_string()))
}

fn collection(
    _span: &Span,
    _exprs: &[Ref<Expr>],
    values: &[Value],
    _strict: bool,
) -> anyhow::Result<Value> {
    match values {
        [all @ (Value::Array(_) | Value::Set(_) | Value::Object(_))] => Ok(all.clone()),
        [Value::Undefined] | [] => Ok(Value::Undefined),
        _ => Err(raise("`some … in` needs an array, a set or an object".to_owned())),
    }
}

fn raise(text: String) -> anyhow::Error {
    RAISED.with_borrow_mut(|raised| *raised = Some(text));
    LimitError::RegexSizeLimitExceeded { limit: 0 }.into()
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

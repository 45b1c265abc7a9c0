//! The two engines behind one call: the RVM for speed, the interpreter for
//! rules that the RVM cannot compile or would judge wrongly ([`crate::rvm`]).
//!
//! Every rule's package gets an entry of ours, so that verdict and violations
//! come out of one run and share what they compute.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program;
use regorus::rvm::vm::{RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};

use crate::error::LoadError;
use crate::strict;

/// The rule that is added to the package of every rule; no bundle may define
/// it.
pub(crate) const RESERVED: &str = "tidegate_answer";

/// What one evaluation of one rule may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time; default 10 s.
    pub time: Duration,
    /// Instructions of the RVM; default 100 million. The engine's own default
    /// of 25,000 is spent on a collection of some hundred resources.
    pub instructions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), instructions: 100_000_000 }
    }
}

/// How often the clock is asked, in instructions: rarely enough that it costs
/// nothing, often enough that 10 s become at most 10.001 s.
const CHECK_INTERVAL: NonZeroU32 = NonZeroU32::MIN.saturating_add(4095);

/// Why a run gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunError {
    /// Time or instructions ran out.
    Limit(String),
    /// A complete rule has two values.
    Conflict,
    /// Anything else.
    Failed(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Limit(text) | Self::Failed(text) => f.write_str(text),
            Self::Conflict => f.write_str("a rule has two values"),
        }
    }
}

/// The questions that can be asked of a rule.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// `[verdict, violations]`.
    pub(crate) result: Ask,
    /// `reason`, where the rule has one.
    pub(crate) reason: Option<Ask>,
    /// `valid_until`, where the rule has one.
    pub(crate) until: Option<Ask>,
}

impl Entry {
    /// Whether the rule runs on the interpreter.
    pub(crate) fn is_interpreted(&self) -> bool {
        self.result.index.is_none()
    }
}

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    path: String,
    /// The index in the program; absent where only the interpreter can.
    index: Option<usize>,
}

impl Ask {
    /// The rule asked for, from `data` on.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// What an entry is made from.
pub(crate) struct EntrySource {
    /// The rule's package, such as `a.b`.
    pub(crate) package: String,
    pub(crate) reason: bool,
    pub(crate) until: bool,
    /// Whether the RVM may judge it.
    pub(crate) rvm: bool,
}

/// A compiled rule set.
#[derive(Debug)]
pub(crate) struct Machine {
    program: Option<Arc<Program>>,
    data: Value,
    engine: Engine,
}

impl Machine {
    /// Compiles what has been added to `engine`, with one entry per source.
    /// `fast` has what the RVM is given instead. The entries are in the order of
    /// the sources.
    pub(crate) fn compile(
        mut engine: Engine,
        mut fast: Engine,
        sources: &[EntrySource],
    ) -> Result<(Self, Vec<Entry>), LoadError> {
        let broken = |e: &dyn std::fmt::Display| {
            let (line, text) = crate::module::split_error(&e.to_string());
            LoadError::Engine(line.map_or(text.clone(), |l| format!("line {l}: {text}")))
        };
        let mut names = Vec::new();
        for source in sources {
            // In the rule's own package, so that the RVM calls its rules
            // directly instead of looking them up in `data`.
            let package = &source.package;
            let module =
                format!("package {package}\nimport rego.v1\n{RESERVED} := [verdict, violations]\n");
            let path = format!("{RESERVED}/{package}");
            engine.add_policy(path.clone(), module.clone()).map_err(|e| broken(&e))?;
            if !source.rvm {
                continue;
            }
            fast.add_policy(path, module).map_err(|e| broken(&e))?;
            names.push(format!("data.{package}.{RESERVED}"));
            if source.reason {
                names.push(format!("data.{package}.reason"));
            }
            if source.until {
                names.push(format!("data.{package}.valid_until"));
            }
        }
        engine.set_strict_builtin_errors(true);
        fast.set_strict_builtin_errors(true);
        let data = engine.get_data();
        // Faults are told when the rules are loaded, not when they first run.
        if let Some(source) = sources.first() {
            let first = format!("data.{}.{RESERVED}", source.package);
            engine.compile_with_entrypoint(&Arc::from(first)).map_err(|e| broken(&e))?;
        }
        let policy = names.first().and_then(|first| {
            // Should the text for the RVM be broken, the interpreter has its own.
            fast.compile_with_entrypoint(&Arc::from(first.as_str())).ok()
        });
        // All at once first; where that fails, those that compile alone.
        let compile = |names: &[&str]| Compiler::compile_from_policy(policy.as_ref()?, names).ok();
        let mut able: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut program = compile(&able);
        if program.is_none() {
            able.retain(|name| compile(&[name]).is_some());
            program = compile(&able);
        }
        let program = program.filter(|_| !able.is_empty()).map(|program| {
            let mut program = Arc::unwrap_or_clone(program);
            strict::wrap(&mut program);
            strict::wrap_arithmetic(&mut program);
            Arc::new(program)
        });
        if let Some(program) = &program {
            let mut vm = RegoVM::new();
            vm.load_program(Arc::clone(program));
            vm.set_data(data.clone()).map_err(|e| broken(&e))?;
        }
        let ask = |name: String| {
            let index = program.as_ref().and(able.iter().position(|n| *n == name));
            Ask { path: name, index }
        };
        let entry = |source: &EntrySource| {
            let ask = |name: &str| ask(format!("data.{}.{name}", source.package));
            Entry {
                result: ask(RESERVED),
                reason: source.reason.then(|| ask("reason")),
                until: source.until.then(|| ask("valid_until")),
            }
        };
        let entries = sources.iter().map(entry).collect();
        Ok((Self { program, data, engine }, entries))
    }

    /// The interpreter with all modules and data, for tests.
    pub(crate) fn engine(&self) -> Engine {
        self.engine.clone()
    }
}

/// What runs rules, one evaluation after another; one per thread.
pub(crate) struct Runner<'m> {
    machine: &'m Machine,
    limits: Limits,
    vm: RegoVM,
    /// Made on first use.
    engine: Option<Engine>,
}

impl<'m> Runner<'m> {
    pub(crate) fn new(machine: &'m Machine, limits: Limits) -> Result<Self, RunError> {
        let mut vm = RegoVM::new();
        if let Some(program) = &machine.program {
            vm.load_program(Arc::clone(program));
            vm.set_data(machine.data.clone()).map_err(|e| RunError::Failed(e.to_string()))?;
            vm.set_max_instructions(limits.instructions);
            vm.set_strict_builtin_errors(true);
            vm.set_execution_timer_config(Some(timer(limits)));
        }
        Ok(Self { machine, limits, vm, engine: None })
    }

    /// Asks with the fastest engine that can; an undefined answer is
    /// [`Value::Undefined`].
    pub(crate) fn ask(&mut self, ask: &Ask, input: &Value) -> Result<Value, RunError> {
        match ask.index {
            Some(index) => self.ask_vm(index, input),
            None => self.ask_engine(ask, input),
        }
    }

    /// Asks the RVM; `None` where it could not compile the rule.
    pub(crate) fn ask_only_vm(
        &mut self,
        ask: &Ask,
        input: &Value,
    ) -> Option<Result<Value, RunError>> {
        ask.index.map(|index| self.ask_vm(index, input))
    }

    fn ask_vm(&mut self, index: usize, input: &Value) -> Result<Value, RunError> {
        self.vm.set_input(input.clone());
        self.vm.execute_entry_point_by_index(index).map_err(|error| match strict::take() {
            Some(raised) => RunError::Failed(raised),
            None => vm_error(error, self.limits),
        })
    }

    /// Asks the interpreter.
    pub(crate) fn ask_engine(&mut self, ask: &Ask, input: &Value) -> Result<Value, RunError> {
        let limits = self.limits;
        let engine = self.engine.get_or_insert_with(|| {
            let mut engine = self.machine.engine();
            engine.set_execution_timer_config(timer(limits));
            engine
        });
        engine.set_input(input.clone());
        engine.eval_rule(ask.path.clone()).map_err(|e| engine_error(&e, limits))
    }
}

fn timer(limits: Limits) -> ExecutionTimerConfig {
    ExecutionTimerConfig { limit: limits.time, check_interval: CHECK_INTERVAL }
}

fn time_limit(limits: Limits) -> RunError {
    RunError::Limit(format!("it ran longer than {} ms", limits.time.as_millis()))
}

fn vm_error(error: VmError, limits: Limits) -> RunError {
    match error {
        VmError::InstructionLimitExceeded { limit, .. } => {
            RunError::Limit(format!("it took more than {limit} instructions"))
        }
        VmError::TimeLimitExceeded { .. } => time_limit(limits),
        VmError::MemoryLimitExceeded { .. } | VmError::MemoryBudgetExceeded { .. } => {
            RunError::Limit("it used too much memory".to_owned())
        }
        other => failed(&other.to_string()),
    }
}

fn engine_error(error: &impl std::fmt::Display, limits: Limits) -> RunError {
    let text = error.to_string();
    if text.contains("exceeded time limit") { time_limit(limits) } else { failed(&text) }
}

/// Whether two values of one rule were the cause cannot be told from a type in
/// either engine, only from the text.
fn failed(text: &str) -> RunError {
    let two = [
        "conflicts with rule",
        "produce multiple outputs",
        "Multiple values for rule",
        "multiple outputs",
    ];
    if two.iter().any(|t| text.contains(t)) {
        return RunError::Conflict;
    }
    let (line, text) = crate::module::split_error(text);
    RunError::Failed(line.map_or(text.clone(), |l| format!("{text} (line {l})")))
}

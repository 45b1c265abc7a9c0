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
use regorus::{CompiledPolicy, Engine, Value};

use crate::error::LoadError;
use crate::strict;

/// The rule that is added to the package of every rule; no bundle may define
/// it.
pub(crate) const RESERVED: &str = "tidegate_answer";

const REASON: &str = "reason";
const UNTIL: &str = "valid_until";

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
        self.result.at.is_none()
    }
}

/// One question.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    path: String,
    /// The program and its entry; absent where only the interpreter can.
    at: Option<(usize, usize)>,
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

impl EntrySource {
    /// What is asked of the rule, the answer first.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let more = [self.reason.then_some(REASON), self.until.then_some(UNTIL)];
        std::iter::once(RESERVED).chain(more.into_iter().flatten())
    }
}

/// The program that answers at these paths; `None` if the RVM cannot.
fn compile(policy: &CompiledPolicy, paths: &[String]) -> Option<Arc<Program>> {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let mut program = Arc::unwrap_or_clone(Compiler::compile_from_policy(policy, &paths).ok()?);
    // A copy of the text of all modules, which nothing reads when it runs.
    program.sources.clear();
    strict::wrap(&mut program);
    strict::wrap_arithmetic(&mut program);
    Some(Arc::new(program))
}

/// A compiled rule set.
///
/// Each rule has a program of its own. The RVM clears a slot for every rule of a
/// program, helpers included, before it runs any of them: with 106 rules in one
/// program that is most of the time. It also has 255 registers, one of which each
/// entry takes, so that larger rule sets would not compile at all.
#[derive(Debug)]
pub(crate) struct Machine {
    programs: Vec<Arc<Program>>,
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
        for source in sources {
            // In the rule's own package, so that the RVM calls its rules
            // directly instead of looking them up in `data`.
            let package = &source.package;
            let module =
                format!("package {package}\nimport rego.v1\n{RESERVED} := [verdict, violations]\n");
            let path = format!("{RESERVED}/{package}");
            engine.add_policy(path.clone(), module.clone()).map_err(|e| broken(&e))?;
            if source.rvm {
                fast.add_policy(path, module).map_err(|e| broken(&e))?;
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
        let policy = sources.iter().find(|s| s.rvm).and_then(|source| {
            // Should the text for the RVM be broken, the interpreter has its own.
            let first = format!("data.{}.{RESERVED}", source.package);
            fast.compile_with_entrypoint(&Arc::from(first)).ok()
        });
        let mut programs = Vec::new();
        let mut entries = Vec::with_capacity(sources.len());
        for source in sources {
            let names: Vec<&str> = source.names().collect();
            let path = |name: &&str| format!("data.{}.{name}", source.package);
            let paths: Vec<String> = names.iter().map(path).collect();
            let program = policy.as_ref().filter(|_| source.rvm).and_then(|p| compile(p, &paths));
            let at = programs.len();
            if let Some(program) = &program {
                let mut vm = RegoVM::new();
                vm.load_program(Arc::clone(program));
                vm.set_data(data.clone()).map_err(|e| broken(&e))?;
            }
            let asks = |name: &str| {
                let entry = names.iter().position(|n| *n == name)?;
                let at = program.as_ref().map(|_| (at, entry));
                Some(Ask { path: paths.get(entry)?.clone(), at })
            };
            let result = Ask { path: path(&RESERVED), at: program.as_ref().map(|_| (at, 0)) };
            entries.push(Entry { result, reason: asks(REASON), until: asks(UNTIL) });
            programs.extend(program);
        }
        Ok((Self { programs, data, engine }, entries))
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
    /// By program, made on first use.
    vms: Vec<Option<RegoVM>>,
    /// Made on first use.
    engine: Option<Engine>,
}

impl<'m> Runner<'m> {
    pub(crate) fn new(machine: &'m Machine, limits: Limits) -> Self {
        let vms = machine.programs.iter().map(|_| None).collect();
        Self { machine, limits, vms, engine: None }
    }

    /// Asks with the fastest engine that can; an undefined answer is
    /// [`Value::Undefined`].
    pub(crate) fn ask(&mut self, ask: &Ask, input: &Value) -> Result<Value, RunError> {
        match ask.at {
            Some(at) => self.ask_vm(at, input),
            None => self.ask_engine(ask, input),
        }
    }

    fn ask_vm(&mut self, (at, entry): (usize, usize), input: &Value) -> Result<Value, RunError> {
        let limits = self.limits;
        let none = || RunError::Failed("the rule was not compiled".to_owned());
        let program = self.machine.programs.get(at).ok_or_else(none)?;
        let slot = self.vms.get_mut(at).ok_or_else(none)?;
        let vm = match slot {
            Some(vm) => vm,
            None => {
                let mut vm = RegoVM::new();
                vm.load_program(Arc::clone(program));
                let data = self.machine.data.clone();
                vm.set_data(data).map_err(|e| RunError::Failed(e.to_string()))?;
                vm.set_max_instructions(limits.instructions);
                vm.set_strict_builtin_errors(true);
                vm.set_execution_timer_config(Some(timer(limits)));
                slot.insert(vm)
            }
        };
        vm.set_input(input.clone());
        vm.execute_entry_point_by_index(entry).map_err(|error| match strict::take() {
            Some(raised) => RunError::Failed(raised),
            None => vm_error(error, limits),
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

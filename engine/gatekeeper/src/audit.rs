//! Judges a snapshot with constraints, as Gatekeeper's audit does.
//!
//! ```text
//! coverage ─▶ which kinds each constraint is about, what is missing of them
//! kinds    ─▶ inventory, only what the templates read, built once per need
//!          ─▶ object by object: match ─▶ template ─▶ findings
//! ```
//!
//! What could not be seen well enough, is unseen, fails or takes too long is
//! Abort, never a pass. Templates that look at nothing but the object are asked
//! again only about objects that changed ([`crate::carry`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use regorus::Value;
use tidegate_model::{
    AbortCode, Cause, Counts, Fact, Facts, FactsError, Finding, Kind, RuleId, RuleMeta,
    RuleOutcome, Verdict, Violation,
};
use tidegate_policy::rego::Inventory;

use crate::carry::{Carry, Kept, Prior};
use crate::constraint::Constraint;
use crate::constraints::Constraints;
use crate::inventory::Held;
use crate::kinds::Kinds;
use crate::matching::Labels;
use crate::review::Review;
use crate::status;
use crate::template::{Found, Program, Unanswered};

/// What constraints said of a snapshot.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// What readers need to know of each constraint.
    pub metas: BTreeMap<RuleId, RuleMeta>,
    /// What each said.
    pub outcomes: BTreeMap<RuleId, RuleOutcome>,
    /// For `prior` at the next snapshot.
    pub carry: Vec<u8>,
}

/// Judges the objects of a snapshot.
///
/// `prior` is [`Audit::carry`] of an earlier snapshot, if there is one; one that
/// does not fit is ignored, and the outcomes are the same with and without.
/// Same snapshot and same constraints: the same outcomes, unless a time limit
/// strikes. Kinds that templates read of `data.inventory` are held in memory as
/// a whole; of others, one object at a time.
///
/// # Errors
/// [`FactsError`] if the snapshot cannot be read. What cannot be judged is an
/// Abort in the outcomes.
pub fn audit(
    set: &Constraints,
    facts: &dyn Facts,
    prior: Option<&[u8]>,
) -> Result<Audit, FactsError> {
    let kinds = Kinds::new(facts)?;
    let prior = Prior::read(prior, set, facts)?;
    let mut asked: Vec<Asked<'_>> =
        set.constraints.values().map(|c| Asked::new(set, c, &kinds)).collect();
    let mut held = Held::default();
    let namespaces = if asked.iter().any(|a| a.constraint.criteria.needs_namespaces()) {
        held.namespaces(facts)?
    } else {
        BTreeMap::new()
    };
    let mut inventories: BTreeMap<BTreeSet<Kind>, Value> = BTreeMap::new();
    for one in &mut asked {
        one.give(facts, &mut held, &mut inventories)?;
    }
    let about: BTreeSet<Kind> = asked.iter().flat_map(|a| a.kinds.iter().cloned()).collect();
    for kind in about {
        let mut of_kind: Vec<&mut Asked<'_>> =
            asked.iter_mut().filter(|a| a.kinds.contains(&kind) && a.program.is_some()).collect();
        if !of_kind.is_empty() {
            facts.each(&kind, &mut |fact| judge(&mut of_kind, &fact, &prior, &namespaces))?;
        }
    }
    let mut audit = Audit::default();
    let mut carry = Carry::new(set, facts);
    for one in asked {
        carry.judged.extend(one.kept());
        let (id, meta, outcome) = one.finish(set);
        audit.metas.insert(id.clone(), meta);
        audit.outcomes.insert(id, outcome);
    }
    for (id, cause) in &set.unread {
        let (meta, outcome) = unread(id, cause);
        audit.metas.insert(id.clone(), meta);
        audit.outcomes.insert(id.clone(), outcome);
    }
    audit.carry = carry.write();
    Ok(audit)
}

/// Puts one object before every constraint that may be about it.
fn judge(
    asked: &mut [&mut Asked<'_>],
    fact: &Fact,
    prior: &Prior,
    namespaces: &BTreeMap<String, Labels>,
) {
    let review = Value::from_json_str(&fact.resource.body)
        .map_err(|_| "its body cannot be read".to_owned())
        .and_then(|object| Review::new(&object));
    for one in asked {
        one.judge(fact, &review, prior, namespaces);
    }
}

/// A constraint with what it found so far.
struct Asked<'c> {
    constraint: &'c Constraint,
    /// The kinds of the snapshot that it is about.
    kinds: BTreeSet<Kind>,
    /// The kinds that its template reads besides.
    reads: BTreeSet<Kind>,
    /// Absent where nothing can be asked; `findings` says why.
    program: Option<Program>,
    parameters: Value,
    counts: Counts,
    findings: Vec<Finding>,
}

impl<'c> Asked<'c> {
    fn new(set: &Constraints, constraint: &'c Constraint, kinds: &Kinds<'_>) -> Self {
        let mut asked = Self {
            constraint,
            kinds: BTreeSet::new(),
            reads: BTreeSet::new(),
            program: None,
            parameters: Value::new_object(),
            counts: Counts::default(),
            findings: Vec::new(),
        };
        let template = set.templates.get(&constraint.kind);
        match template.map(|t| (t, &t.program)) {
            None => {
                let text = format!("there is no template that makes `{}`", constraint.kind);
                asked.abort(AbortCode::Error, text);
            }
            Some((_, Err(why))) => asked.abort(AbortCode::Error, why.clone()),
            Some((template, Ok(program))) => {
                asked.parameters = Value::from(template.parameters(constraint.parameters.as_ref()));
                let inventory = program.inventory.clone();
                asked.program = Some(program.clone());
                asked.look(kinds, &inventory);
            }
        }
        asked
    }

    /// Finds the kinds it is about and reads, and what is missing of them.
    fn look(&mut self, kinds: &Kinds<'_>, inventory: &Inventory) {
        let about = kinds.about(&self.constraint.criteria);
        let mut gaps: BTreeSet<Cause> = about.gaps;
        self.kinds = about.kinds;
        if self.constraint.criteria.needs_namespaces() {
            gaps.extend(kinds.namespace().and_then(|kind| kinds.gap(&kind)));
        }
        let read = kinds.read(inventory);
        // An inventory with something missing could hide what makes a
        // violation, or its absence: nothing is asked then.
        let missing: Vec<Cause> = read.kinds.iter().filter_map(|k| kinds.gap(k)).collect();
        let missing: BTreeSet<Cause> = missing.into_iter().chain(read.gaps).collect();
        if !missing.is_empty() {
            self.program = None;
        }
        self.reads = read.kinds;
        gaps.extend(missing);
        for cause in gaps {
            self.abort(cause.code, cause.message);
        }
    }

    /// Gives the template its inventory.
    fn give(
        &mut self,
        facts: &dyn Facts,
        held: &mut Held,
        inventories: &mut BTreeMap<BTreeSet<Kind>, Value>,
    ) -> Result<(), FactsError> {
        let Some(program) = &mut self.program else { return Ok(()) };
        if program.inventory == Inventory::Nothing {
            return Ok(());
        }
        for kind in &self.reads {
            if let Err(cause) = held.hold(facts, kind)? {
                self.program = None;
                self.abort(cause.code, cause.message);
                return Ok(());
            }
        }
        let inventory = match inventories.get(&self.reads) {
            Some(inventory) => inventory.clone(),
            None => {
                let inventory = held.inventory(&self.reads);
                inventories.insert(self.reads.clone(), inventory.clone());
                inventory
            }
        };
        if let Err(unanswered) = program.give(inventory) {
            self.program = None;
            let cause = unanswered.cause();
            self.abort(cause.code, cause.message);
        }
        Ok(())
    }

    fn judge(
        &mut self,
        fact: &Fact,
        review: &Result<Review, String>,
        prior: &Prior,
        namespaces: &BTreeMap<String, Labels>,
    ) {
        let Some(program) = &mut self.program else { return };
        let answer = match review {
            Err(problem) => Err(Cause { code: AbortCode::Error, message: problem.clone() }),
            Ok(review) => {
                let criteria = &self.constraint.criteria;
                match criteria.holds(&review.about, |name| namespaces.get(name)) {
                    Ok(false) => return,
                    Err(unknown) => Err(Cause {
                        code: AbortCode::Coverage,
                        message: format!("its namespace `{}` was not seen", unknown.0),
                    }),
                    Ok(true) => match fact.unseen_since {
                        Some(since) => Err(Cause {
                            code: AbortCode::Unseen,
                            message: format!("it was last seen at {since}"),
                        }),
                        None => {
                            let (kind, key) = (&fact.resource.kind, &fact.resource.key);
                            match prior.answer(&self.constraint.id, kind, key) {
                                Some(violations) => Ok(violations),
                                None => ask(program, review.input(&self.parameters)),
                            }
                        }
                    },
                }
            }
        };
        match answer {
            Ok(found) if found.is_empty() => self.counts.pass += 1,
            Ok(violations) => {
                self.counts.fail += 1;
                self.findings.push(finding(fact, Verdict::Fail, violations, None));
            }
            Err(cause) => {
                self.counts.abort += 1;
                self.findings.push(finding(fact, Verdict::Abort, Arc::default(), Some(cause)));
            }
        }
    }

    /// Counts something that keeps the whole constraint from being judged.
    fn abort(&mut self, code: AbortCode, message: String) {
        self.counts.abort += 1;
        self.findings.push(of_subject(Cause { code, message }));
    }

    /// What holds at the next snapshot for objects that do not change.
    fn kept(&self) -> Option<(RuleId, Kept)> {
        let alone = self.program.as_ref().is_some_and(|p| p.inventory == Inventory::Nothing)
            && !self.constraint.criteria.needs_namespaces();
        let mut kept = Kept { kinds: self.kinds.clone(), ..Kept::default() };
        for finding in &self.findings {
            match (&finding.resource, finding.verdict) {
                (None, _) => {}
                (Some(key), Verdict::Fail) => {
                    kept.failed.insert(key.clone(), finding.violations.clone());
                }
                (Some(key), _) => drop(kept.again.insert(key.clone())),
            }
        }
        alone.then(|| (self.constraint.id.clone(), kept))
    }

    fn finish(self, set: &Constraints) -> (RuleId, RuleMeta, RuleOutcome) {
        let Self { constraint, kinds, mut findings, counts, .. } = self;
        findings.sort_by(|a, b| a.resource.cmp(&b.resource).then_with(|| a.cause.cmp(&b.cause)));
        let template = set.templates.get(&constraint.kind);
        let text = |of: fn(&crate::template::Template) -> &String| {
            template.map(of).cloned().unwrap_or_default()
        };
        let mut title = format!("{} {}", constraint.kind, constraint.name);
        let described = text(|t| &t.title);
        if !described.is_empty() {
            title = format!("{described}: {title}");
        }
        if let Some(note) = status::differs(constraint, &findings) {
            title = format!("{title} ({note})");
        }
        let meta = RuleMeta {
            id: constraint.id.clone(),
            title,
            description: text(|t| &t.description),
            severity: constraint.severity,
            kinds: kinds.into_iter().collect(),
            standard: None,
            remediation: String::new(),
            bundle: "gatekeeper".to_owned(),
            file: constraint.file.clone(),
        };
        let outcome = RuleOutcome { verdict: verdict(counts), counts, valid_until: None, findings };
        (constraint.id.clone(), meta, outcome)
    }
}

fn ask(program: &mut Program, input: Value) -> Result<Arc<[Violation]>, Cause> {
    let violation = |f: Found| Violation {
        message: f.message,
        path: String::new(),
        found: f.details,
        wanted: serde_json::Value::Null,
    };
    let found = program.violations(input).map_err(Unanswered::cause)?;
    Ok(found.into_iter().map(violation).collect())
}

fn unread(id: &RuleId, cause: &Cause) -> (RuleMeta, RuleOutcome) {
    let meta = RuleMeta {
        id: id.clone(),
        title: "Gatekeeper's constraints in the cluster".to_owned(),
        description: String::new(),
        severity: tidegate_model::Severity::High,
        kinds: Vec::new(),
        standard: None,
        remediation: String::new(),
        bundle: "gatekeeper".to_owned(),
        file: String::new(),
    };
    let counts = Counts { abort: 1, ..Counts::default() };
    let findings = vec![of_subject(cause.clone())];
    (meta, RuleOutcome { verdict: Verdict::Abort, counts, valid_until: None, findings })
}

impl Unanswered {
    fn cause(self) -> Cause {
        match self {
            Self::Limit(message) => Cause { code: AbortCode::Limit, message },
            Self::Error(message) => Cause { code: AbortCode::Error, message },
        }
    }
}

fn of_subject(cause: Cause) -> Finding {
    Finding {
        resource: None,
        region: None,
        project: None,
        name: None,
        verdict: Verdict::Abort,
        violations: Arc::default(),
        cause: Some(cause),
    }
}

fn finding(
    fact: &Fact,
    verdict: Verdict,
    violations: Arc<[Violation]>,
    cause: Option<Cause>,
) -> Finding {
    let resource = &fact.resource;
    Finding {
        resource: Some(resource.key.clone()),
        region: resource.region.as_deref().map(str::to_owned),
        project: resource.project.as_deref().map(str::to_owned),
        name: resource.name.as_deref().map(str::to_owned),
        verdict,
        violations,
        cause,
    }
}

fn verdict(counts: Counts) -> Verdict {
    match counts {
        Counts { fail: 1.., .. } => Verdict::Fail,
        Counts { abort: 1.., .. } => Verdict::Abort,
        Counts { .. } => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests;

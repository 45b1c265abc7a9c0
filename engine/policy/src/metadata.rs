//! Rule metadata: our own reader of `# METADATA` blocks, which the engine
//! throws away as comments.
//!
//! Only a block right before `package` counts, and only one with a
//! `custom.id` makes its package a rule; the keys are those of the contract
//! of rules. Anything unknown under `custom` is an error with its line, since a
//! misspelt `requires` would silently judge less.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tidegate_model::{Kind, Needed, RuleId, RuleMeta, Severity};

use crate::error::Fault;
use crate::module::Module;
use crate::pointer::Pointer;

/// A rule: what it is called, what it is given and what it needs.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What readers are shown.
    pub meta: RuleMeta,
    /// One resource at a time, or all of some kinds.
    pub input: Input,
    /// Kinds that may be absent from the cloud.
    pub absent: BTreeSet<Kind>,
    /// The least visibility that lets it judge.
    pub visibility: Needed,
    /// Pointers that must exist in the body of every resource of a kind.
    pub requires: BTreeMap<Kind, Vec<Pointer>>,
    /// What the host looks up for it. Of a resource rule in its own subject, of
    /// one on collections in the others.
    pub joins: Vec<Join>,
    /// Whether it is given `now`.
    pub time: bool,
    /// What it answers in catalogues of others, such as `cis-k8s:5.2.2`.
    pub controls: Vec<String>,
    /// Its parameters, by name, with their values for this rule set.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Its Rego package, without `data`; empty for a policy in Cedar.
    pub package: String,
}

impl Rule {
    /// The kinds that it is given, and those that it is joined with.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.meta.kinds.iter().chain(self.joins.iter().map(|j| &j.kind))
    }
}

/// What a rule is given at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// One resource.
    Resource,
    /// All resources of its kinds in one region; kinds without a region are
    /// given to every region.
    Region,
    /// All resources of its kinds in the subject.
    Subject,
}

/// A lookup that the host makes for each resource.
#[derive(Debug, Clone)]
pub struct Join {
    /// Its name in `input.joined`.
    pub name: String,
    /// The kind looked up.
    pub kind: Kind,
    /// Points to one value or an array of them in the resource.
    pub key: Pointer,
    /// Points to what is matched in the target; the id if absent.
    pub field: Option<Pointer>,
    /// Whether it is looked up in the other subjects of the store instead of
    /// the one that is judged. By id, in rules on collections.
    pub across: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotation {
    #[serde(default)]
    scope: Option<String>,
    title: String,
    #[serde(default)]
    description: String,
    custom: Custom,
    // Known to OPA and of no meaning here.
    #[serde(default, rename = "entrypoint")]
    _entrypoint: serde::de::IgnoredAny,
    #[serde(default, rename = "organizations")]
    _organizations: serde::de::IgnoredAny,
    #[serde(default, rename = "related_resources")]
    _related_resources: serde::de::IgnoredAny,
    #[serde(default, rename = "authors")]
    _authors: serde::de::IgnoredAny,
    #[serde(default, rename = "schemas")]
    _schemas: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Custom {
    id: RuleId,
    severity: Severity,
    input: String,
    #[serde(default)]
    per: Option<String>,
    kinds: Vec<Kind>,
    #[serde(default)]
    absent: BTreeSet<Kind>,
    #[serde(default)]
    visibility: Needed,
    #[serde(default)]
    requires: BTreeMap<Kind, Vec<String>>,
    #[serde(default)]
    joins: Vec<CustomJoin>,
    #[serde(default)]
    time: bool,
    #[serde(default)]
    controls: Vec<String>,
    #[serde(default)]
    standard: Option<String>,
    #[serde(default)]
    remediation: String,
    #[serde(default)]
    parameters: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomJoin {
    name: String,
    kind: Kind,
    key: String,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    subject: Option<String>,
}

/// Reads the metadata of a file; `None` if they do not make a rule.
///
/// # Errors
/// [`Fault`] with the line if a rule's metadata are not as the contract asks.
pub(crate) fn read(bundle: &str, module: &Module) -> Result<Option<Rule>, Fault> {
    let package_line = module.tree.package.span.line;
    let Some(block) = block(&module.text, package_line) else { return Ok(None) };
    let fault = |line: u32, problem: String| Fault::new(bundle, &module.path, line, problem);
    let yaml = |e: yaml_serde::Error| {
        let line = e.location().and_then(|l| u32::try_from(l.line()).ok()).unwrap_or(1);
        fault(block.first + line - 1, format!("metadata: {}", without_place(&e.to_string())))
    };
    let loose: yaml_serde::Value = yaml_serde::from_str(&block.text).map_err(yaml)?;
    if loose.get("custom").and_then(|c| c.get("id")).is_none() {
        return Ok(None);
    }
    let read: Annotation = yaml_serde::from_str(&block.text).map_err(yaml)?;
    let at = |key: &str| block.line_of(key);
    if read.scope.as_deref().is_some_and(|s| s != "package") {
        return Err(fault(at("scope"), "metadata: a rule's `scope` must be `package`".to_owned()));
    }
    let rule = check(bundle, module, read)
        .map_err(|(key, problem)| fault(at(key), format!("metadata: {problem}")))?;
    Ok(Some(rule))
}

/// Turns what was read into a rule; an error names the key it is about.
fn check(bundle: &str, module: &Module, read: Annotation) -> Result<Rule, (&'static str, String)> {
    let c = read.custom;
    let input = match (c.input.as_str(), c.per.as_deref()) {
        ("resource", None) => Input::Resource,
        ("resource", Some(_)) => {
            return Err(("per", "`per` is for collections only".to_owned()));
        }
        ("collection", None | Some("region")) => Input::Region,
        ("collection", Some("subject")) => Input::Subject,
        ("collection", Some(other)) => {
            return Err(("per", format!("`per` must be `region` or `subject`, not `{other}`")));
        }
        (other, _) => {
            let problem = format!("`input` must be `resource` or `collection`, not `{other}`");
            return Err(("input", problem));
        }
    };
    let kinds: BTreeSet<&Kind> = c.kinds.iter().collect();
    if c.kinds.is_empty() || kinds.len() < c.kinds.len() {
        return Err(("kinds", "`kinds` must name at least one kind, each once".to_owned()));
    }
    if input != Input::Resource && c.joins.iter().any(|j| j.subject.is_none()) {
        let problem = "`joins` are for `input: resource` only; name the kind in `kinds`";
        return Err(("joins", problem.to_owned()));
    }
    let mut joins: Vec<Join> = Vec::new();
    for j in c.joins {
        match j.subject.as_deref() {
            None => {}
            Some("any") if input != Input::Resource && j.field.is_none() => {}
            Some("any") => {
                let problem = format!(
                    "join `{}`: other subjects are looked up by id, for collections",
                    j.name
                );
                return Err(("subject", problem));
            }
            Some(other) => {
                let problem = format!("join `{}`: `subject` must be `any`, not `{other}`", j.name);
                return Err(("subject", problem));
            }
        }
        if joins.iter().any(|other| other.name == j.name) {
            return Err(("joins", format!("join `{}` stands twice", j.name)));
        }
        let pointer = |text: &str| {
            Pointer::new(text).ok_or_else(|| ("joins", format!("`{text}` is not a JSON Pointer")))
        };
        let key = pointer(&j.key)?;
        let field = j.field.as_deref().map(pointer).transpose()?;
        joins.push(Join { name: j.name, kind: j.kind, key, field, across: j.subject.is_some() });
    }
    let known = |kind: &Kind| c.kinds.contains(kind) || joins.iter().any(|j| j.kind == *kind);
    if let Some(kind) = c.absent.iter().find(|k| !known(k)) {
        return Err(("absent", format!("`{kind}` is neither in `kinds` nor joined")));
    }
    let mut requires = BTreeMap::new();
    for (kind, pointers) in &c.requires {
        if !known(kind) {
            return Err(("requires", format!("`{kind}` is neither in `kinds` nor joined")));
        }
        let read = |text: &String| {
            Pointer::new(text)
                .ok_or_else(|| ("requires", format!("`{text}` is not a JSON Pointer")))
        };
        let pointers: Vec<Pointer> = pointers.iter().map(read).collect::<Result<_, _>>()?;
        requires.insert(kind.clone(), pointers);
    }
    Ok(Rule {
        meta: RuleMeta {
            id: c.id,
            title: read.title,
            description: read.description.trim().to_owned(),
            severity: c.severity,
            kinds: c.kinds,
            standard: c.standard,
            remediation: c.remediation.trim().to_owned(),
            bundle: bundle.to_owned(),
            file: module.path.clone(),
        },
        input,
        absent: c.absent,
        visibility: c.visibility,
        requires,
        joins,
        time: c.time,
        controls: c.controls,
        parameters: c.parameters,
        package: module.package_name(),
    })
}

/// A block of metadata with the line its YAML starts on.
struct Block {
    text: String,
    first: u32,
}

impl Block {
    /// The line of a key, or of the block if the key is not found.
    fn line_of(&self, key: &str) -> u32 {
        let starts = |line: &str| {
            let line = line.trim_start().trim_start_matches("- ");
            line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        let at = self.text.lines().position(starts).unwrap_or_default();
        self.first + u32::try_from(at).unwrap_or_default()
    }
}

/// The comment block that starts with `# METADATA` and ends right before the
/// line of `package`; comments and blank lines before and after do not count.
fn block(text: &str, package_line: u32) -> Option<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let before = lines.get(..usize::try_from(package_line).ok()?.checked_sub(1)?)?;
    let start =
        before.iter().rposition(|l| l.trim_end().trim_start_matches(['#', ' ']) == "METADATA")?;
    let yaml = before.get(start + 1..)?;
    let comment = |l: &&&str| l.starts_with('#');
    let text: String = yaml
        .iter()
        .take_while(comment)
        .map(|l| format!("{}\n", l.strip_prefix('#').unwrap_or_default()))
        .collect();
    Some(Block { text, first: u32::try_from(start + 2).ok()? })
}

/// The YAML reader appends ` at line 3 column 5`, counted in the block; the
/// fault has the line in the file.
fn without_place(message: &str) -> &str {
    message.rfind(" at line ").and_then(|at| message.get(..at)).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(custom: &str) -> Result<Option<Rule>, Fault> {
        let head = "# METADATA\n# title: T\n# custom:\n";
        let body: String = custom.lines().map(|l| format!("#   {l}\n")).collect();
        let text = format!("{head}{body}package a.b\n");
        read("b", &Module::parse("b", "r.rego", &text).unwrap())
    }

    const BASE: &str = "id: r-1\nseverity: high\ninput: resource\nkinds: [compute.server]";

    #[track_caller]
    fn fails(custom: &str, expected: &str) {
        let fault = rule(custom).unwrap_err().to_string();
        assert_eq!(fault, format!("bundle `b`: r.rego:{expected}"));
    }

    #[test]
    fn reads_a_whole_rule() {
        let r = rule(&format!(
            "{BASE}\nabsent: [network.port]\nvisibility: member\ntime: true\n\
             requires:\n  compute.server: [/flavor/id]\n\
             joins:\n  - {{name: ports, kind: network.port, key: /id, field: /device_id}}\n\
             parameters: {{mode: strict}}\nstandard: https://x\nremediation: do\n\
             controls: ['cis-k8s:5.2.2']"
        ))
        .unwrap()
        .unwrap();
        assert_eq!((r.meta.id.as_str(), r.meta.title.as_str()), ("r-1", "T"));
        assert_eq!(r.visibility, Needed::Member);
        assert_eq!(r.joins[0].field.as_ref().unwrap().as_str(), "/device_id");
        assert_eq!(r.requires.len(), 1);
        assert!(r.time);
        assert_eq!(r.controls, ["cis-k8s:5.2.2"]);
        assert_eq!(r.package, "a.b");
    }

    #[test]
    fn a_package_without_an_id_is_a_library() {
        assert!(rule("note: x").unwrap().is_none());
        let module = Module::parse("b", "l.rego", "# a comment\npackage lib\n").unwrap();
        assert!(read("b", &module).unwrap().is_none());
    }

    #[test]
    fn wrong_metadata_name_key_and_line() {
        fails(
            &format!("{BASE}\nrequired: {{}}"),
            "8: metadata: custom: unknown field `required`, expected one of `id`, `severity`, \
             `input`, `per`, `kinds`, `absent`, `visibility`, `requires`, `joins`, `time`, \
             `controls`, `standard`, `remediation`, `parameters`",
        );
        fails(
            &BASE.replace("high", "huge"),
            "5: metadata: custom.severity: unknown variant `huge`, expected one of `info`, `low`, \
             `medium`, `high`, `critical`",
        );
        fails(
            &BASE.replace("input: resource", "input: all"),
            "6: metadata: `input` must be `resource` or `collection`, not `all`",
        );
        fails(&format!("{BASE}\nper: region"), "8: metadata: `per` is for collections only");
        fails(
            &format!("{BASE}\nrequires: {{compute.server: [id]}}"),
            "8: metadata: `id` is not a JSON Pointer",
        );
        fails(
            &format!("{BASE}\nrequires: {{image.image: [/id]}}"),
            "8: metadata: `image.image` is neither in `kinds` nor joined",
        );
        fails(
            &format!("{BASE}\njoins:\n- name: p\n  kind: a.b\n  key: /id\n  subject: other"),
            "12: metadata: join `p`: `subject` must be `any`, not `other`",
        );
        fails(
            &format!("{BASE}\njoins:\n- name: p\n  kind: a.b\n  key: /id\n  subject: any"),
            "12: metadata: join `p`: other subjects are looked up by id, for collections",
        );
        fails(
            &format!("{COLLECTION}\njoins:\n- {{name: p, kind: a.b, key: /id}}"),
            "8: metadata: `joins` are for `input: resource` only; name the kind in `kinds`",
        );
    }

    const COLLECTION: &str = "id: r-1\nseverity: high\ninput: collection\nkinds: [core.Node]";

    #[test]
    fn a_collection_may_be_joined_with_other_subjects() {
        let r = rule(&format!(
            "{COLLECTION}\njoins:\n- {{name: s, kind: a.b, key: /spec/providerID, subject: any}}"
        ));
        assert!(r.unwrap().unwrap().joins[0].across);
    }
}

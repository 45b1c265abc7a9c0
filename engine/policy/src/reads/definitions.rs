//! What bundles define, by the path of what they define.

use std::collections::BTreeMap;

use regorus::unstable::Rule as Node;

use crate::bundle::Bundle;
use crate::module::{Module, path_of};

/// All definitions of some bundles, by the path of what they define.
pub(super) struct Definitions<'a> {
    pub(super) by_path: BTreeMap<Vec<String>, Vec<Definition<'a>>>,
}

/// One definition of a rule or function.
pub(super) struct Definition<'a> {
    pub(super) module: &'a Module,
    pub(super) node: &'a Node,
    /// Alias → path, with its root.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// Whether an import is none that is known here.
    pub(super) strange: bool,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(bundles: &'a [Bundle]) -> Self {
        let mut by_path: BTreeMap<Vec<String>, Vec<Definition<'a>>> = BTreeMap::new();
        let modules = bundles.iter().flat_map(|b| &b.modules);
        for module in modules.filter(|m| !m.is_test()) {
            let mut imports = BTreeMap::new();
            let mut strange = false;
            for import in &module.tree.imports {
                let path = path_of(&import.refr);
                let alias = import.r#as.as_ref().map(|span| span.text().to_owned());
                match (alias.or_else(|| path.as_ref()?.last().cloned()), path) {
                    (Some(alias), Some(path)) => drop(imports.insert(alias, path)),
                    _ => strange = true,
                }
            }
            for (name, node) in module.rules() {
                let path = [module.package.as_slice(), &name].concat();
                let imports = imports.clone();
                let definition = Definition { module, node, imports, strange };
                by_path.entry(path).or_default().push(definition);
            }
        }
        Self { by_path }
    }

    /// Whether there is a rule of this path.
    pub(super) fn has(&self, path: &[String]) -> bool {
        self.by_path.contains_key(path)
    }

    /// The rules at or below a path.
    pub(super) fn below(&self, path: &[String]) -> impl Iterator<Item = &Vec<String>> {
        let from = self.by_path.range(path.to_vec()..);
        from.map(|(p, _)| p).take_while(move |p| p.starts_with(path))
    }
}

//! Looks things up in a region, and notes when what was found was last seen.

use tidegate_model::Timestamp;

use super::ranges::Admitted;
use super::read::{Network, Remote, Router, Subnet};
use super::tables::{Region, Seen};
use crate::earlier;

/// One look at a region, for one fact.
pub(super) struct Look<'t> {
    pub(super) region: &'t Region,
    /// The earliest time that something used was last seen.
    pub(super) unseen: Option<Timestamp>,
}

impl<'t> Look<'t> {
    pub(super) fn new(region: &'t Region, unseen: Option<Timestamp>) -> Self {
        Self { region, unseen }
    }

    /// Notes that something is used.
    pub(super) fn note(&mut self, unseen: Option<Timestamp>) {
        self.unseen = earlier(self.unseen, unseen);
    }

    fn found<T>(
        &mut self,
        found: Option<&'t Seen<Result<T, String>>>,
        what: &str,
        id: &str,
    ) -> Result<&'t T, String> {
        let Some(found) = found else {
            return Err(format!("{what} `{id}` is not in the snapshot"));
        };
        self.note(found.unseen);
        found.value.as_ref().map_err(|why| format!("{what} `{id}`: {why}"))
    }

    pub(super) fn network(&mut self, id: &str) -> Result<&'t Network, String> {
        self.found(self.region.networks.get(id), "network", id)
    }

    pub(super) fn subnet(&mut self, id: &str) -> Result<&'t Subnet, String> {
        self.found(self.region.subnets.get(id), "subnet", id)
    }

    pub(super) fn router(&mut self, id: &str) -> Result<&'t Router, String> {
        self.found(self.region.routers.get(id), "router", id)
    }

    /// The rules of a group with their addresses.
    pub(super) fn admitted(&mut self, group: &str) -> Result<Vec<Admitted<'t>>, String> {
        let mut out = Vec::new();
        let mut wrong: Vec<String> = Vec::new();
        for seen in self.region.rules.get(group).into_iter().flatten() {
            self.note(seen.unseen);
            let rule = match &seen.value {
                Ok(rule) => rule,
                Err(why) => {
                    wrong.push(why.clone());
                    continue;
                }
            };
            let prefixes = match &rule.remote {
                Remote::Everybody | Remote::Group => Vec::new(),
                Remote::Prefix(prefix) => vec![*prefix],
                Remote::AddressGroup(id) => {
                    let found = self.region.address_groups.get(id);
                    match self.found(found, "address group", id) {
                        Ok(prefixes) => prefixes.clone(),
                        Err(why) => {
                            wrong.push(why);
                            continue;
                        }
                    }
                }
            };
            out.push(Admitted::new(rule, prefixes));
        }
        // Whichever order the rules were read in.
        match wrong.into_iter().min() {
            Some(why) => Err(why),
            None => Ok(out),
        }
    }
}

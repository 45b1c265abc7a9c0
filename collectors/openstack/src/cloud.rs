//! Signs in to a cloud and learns who one is there and what it offers.

use std::collections::BTreeSet;
use std::sync::Arc;

use openstack_sdk::AsyncOpenStack;
use openstack_sdk::api::RestClient;
use openstack_sdk::config::CloudConfig;

use crate::config::{Settings, Timeouts};
use crate::error::CollectError;
use crate::kind::Service;
use crate::probe;
use crate::scope::Scope;

/// A cloud, signed in to. Cheap to clone.
#[derive(Clone)]
pub struct Cloud {
    pub(crate) name: Arc<str>,
    pub(crate) regions: Arc<[Region]>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) nobody: Arc<probe::Nobody>,
}

/// One region. Each has its own session of the SDK, whose choice of endpoints
/// belongs to one region at a time.
pub(crate) struct Region {
    pub(crate) name: Arc<str>,
    pub(crate) session: AsyncOpenStack,
    /// What the catalog has, of all interfaces.
    pub(crate) addresses: Vec<Address>,
    /// The interface that is used.
    interface: Arc<str>,
    overrides: Vec<(String, String)>,
}

/// One line of the catalog.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) interface: String,
    pub(crate) service_type: String,
    pub(crate) url: String,
}

impl Cloud {
    /// Signs in. Nothing is kept on disk: the SDK's token cache is off.
    ///
    /// # Errors
    /// [`CollectError`], one variant per cause that a user can act on.
    pub async fn connect(settings: &Settings, timeouts: &Timeouts) -> Result<Self, CollectError> {
        let mut config = settings.cloud.clone();
        probe::name_to_id(settings, &mut config, timeouts).await?;
        // The SDK looks for Keystone in the region that it was told when it
        // discovered it; told later, it could not sign in again.
        config.region_name = settings.regions.first().cloned();
        let first = sign_in(settings, &config, timeouts).await?;
        let Some(info) = first.get_auth_info() else {
            return Err(CollectError::NoUsableAuth {
                cloud: settings.name.clone(),
                why: "the token says nothing about itself".to_owned(),
            });
        };
        let token = &info.token;
        let scope = Scope {
            user: token.user.id.clone(),
            project: token.project.as_ref().and_then(|p| p.id.clone()),
            domain: token.domain.as_ref().and_then(|d| d.id.clone()),
            system: token.system.is_some(),
            roles: token.roles.iter().flatten().map(|r| r.name.to_lowercase()).collect(),
        };

        let interface = config.interface.clone().unwrap_or_else(|| "public".to_owned());
        let catalog: Vec<(String, Address)> = token
            .catalog
            .iter()
            .flatten()
            .flat_map(|s| s.endpoints.iter().map(move |e| (s, e)))
            .map(|(s, e)| {
                let address = Address {
                    interface: e.interface.clone(),
                    service_type: s.service_type.clone(),
                    url: e.url.clone(),
                };
                (e.region.clone().unwrap_or_default(), address)
            })
            .collect();
        let used = catalog.iter().filter(|(_, a)| a.interface == interface);
        let known: BTreeSet<&str> = used.map(|(region, _)| region.as_str()).collect();
        let mut names: Vec<String> = settings.regions.clone();
        if names.is_empty() {
            names = known.iter().map(|r| (*r).to_owned()).collect();
        }
        if let Some(missing) = names.iter().find(|n| !known.contains(n.as_str())) {
            return Err(CollectError::UnknownRegion {
                cloud: settings.name.clone(),
                region: missing.clone(),
                known: known.iter().map(|r| (*r).to_owned()).collect(),
            });
        }

        let mut regions = Vec::new();
        // Without a region, the first session serves the only one.
        let serves = config.region_name.is_some() || names.len() == 1;
        let mut first = Some(first).filter(|_| serves);
        for name in names {
            let session = match first.take() {
                Some(session) => session,
                None => {
                    config.region_name = Some(name.clone());
                    sign_in(settings, &config, timeouts).await?
                }
            };
            let here = catalog.iter().filter(|(region, _)| *region == name);
            regions.push(Region {
                name: Arc::from(name.as_str()),
                session,
                addresses: here.map(|(_, address)| address.clone()).collect(),
                interface: Arc::from(interface.as_str()),
                overrides: overrides(&config),
            });
        }
        if regions.is_empty() {
            return Err(CollectError::NoUsableAuth {
                cloud: settings.name.clone(),
                why: format!("the catalog has no `{interface}` endpoints for this scope"),
            });
        }
        Ok(Self {
            name: Arc::from(settings.name.as_str()),
            regions: Arc::from(regions),
            scope: Arc::new(scope),
            nobody: Arc::new(probe::Nobody::new(&config, timeouts)),
        })
    }

    /// The name in clouds.yaml.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the regions that will be read.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(|r| r.name.as_ref())
    }

    /// The id of the project that the token is for, if it is for one.
    #[must_use]
    pub fn project(&self) -> Option<&str> {
        self.scope.project.as_deref()
    }

    /// The names of the roles in the token, lower case.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.scope.roles.iter().map(String::as_str)
    }
}

impl Region {
    /// The address of a service: overridden, or of the first of its types that
    /// the catalog has.
    pub(crate) fn address(&self, service: &Service) -> Option<&str> {
        let own = self.overrides.iter().find(|(t, _)| service.types.contains(&t.as_str()));
        if let Some((_, url)) = own {
            return Some(url);
        }
        service.types.iter().find_map(|t| {
            let mut used = self.addresses.iter().filter(|a| *a.interface == *self.interface);
            let found = used.find(|a| a.service_type == **t)?;
            Some(found.url.as_str())
        })
    }
}

/// `compute_endpoint_override: https://…` and the like.
fn overrides(config: &CloudConfig) -> Vec<(String, String)> {
    let end = "_endpoint_override";
    let named = config.options.iter().filter_map(|(key, value)| {
        Some((key.strip_suffix(end)?.replace('_', "-"), value.to_string()))
    });
    named.collect()
}

async fn sign_in(
    settings: &Settings,
    config: &CloudConfig,
    timeouts: &Timeouts,
) -> Result<AsyncOpenStack, CollectError> {
    // Naming them is what links them; linked, they register with the SDK.
    std::hint::black_box((
        &openstack_sdk_auth_applicationcredential::ANCHOR,
        &openstack_sdk_auth_password::ANCHOR,
    ));
    let made = AsyncOpenStack::builder(config)
        .disable_auth_cache(true)
        .http_timeout(timeouts.request)
        .http_connect_timeout(timeouts.connect)
        .connect()
        .await;
    match made {
        Ok(session) => {
            // A token without scope has no project and no catalog.
            tracing::debug!(project = ?session.get_current_project(), "signed in");
            Ok(session)
        }
        Err(e) => Err(probe::explain(settings, config, timeouts, e).await),
    }
}
